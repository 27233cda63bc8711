"""The commands that documents tell people to type: lines of shell blocks, and code in a sentence that is a command."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/runbook.md")
PROGRAMS = (
    "make", "python", ".venv/bin/python", "docker", "docker-compose", "git", "bash", "sh", "echo", "curl", "pytest",
    "pip", "export", "cp", "cd",
)  # fmt: skip

SCRIPTS = ("deploy/compose.sh",)

ACTIVATED = ". .venv/bin/activate"
WHERE_PYTHON_IS = f"`python` is `.venv/bin/python`, or itself after `{ACTIVATED}`"
"""A clone's own shell knows no flask: whoever is to type `python …` is told which one is meant."""

_PYTHON = re.compile(r"(^|\s)python ")
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELLS = {"sh", "bash", "console", "shell"}
_CODE = re.compile(r"`([^`\n]+)`")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=('[^']*'|\"[^\"]*\"|\S*)\s+")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command, as it is written, and where."""

    text: str
    document: str
    line: int

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {self.text}"


def commands_in(document: str, text: str) -> Iterator[Command]:
    """Every command of a document, in its order."""
    prose = text
    found = []
    for block in _BLOCK.finditer(text):
        # What a block holds is no prose, but the lines keep their numbers.
        prose = prose.replace(block.group(), "\n" * block.group().count("\n"), 1)
        if block["kind"] in _SHELLS:
            first = text[: block.start("body")].count("\n") + 1
            found += [
                Command(text=line, document=document, line=first + offset)
                for offset, line in _lines(block["body"])
            ]
    for code in _CODE.finditer(prose):
        if is_command(code[1]):
            line = prose[: code.start()].count("\n") + 1
            found.append(Command(text=code[1], document=document, line=line))
    return iter(sorted(found, key=lambda command: command.line))


def is_command(code: str) -> bool:
    """Whether a piece of code is something to type: it begins with a program, perhaps behind variables."""
    first, *others = _VARIABLE.sub("", code).split(" ")
    # A script of ours by itself is a file that is spoken of.
    return first in PROGRAMS or (first in SCRIPTS and bool(others))


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """The lines of a block, continued ones joined, comments and prompts taken off."""
    start, waiting = 0, ""
    for offset, line in enumerate(body.splitlines()):
        if not waiting:
            start = offset
        waiting += line.strip().removeprefix("$ ")
        if waiting.endswith("\\"):
            waiting = waiting[:-1]
            continue
        text = re.sub(r"(^|\s+)#\s.*$", "", waiting).strip()
        waiting = ""
        if text:
            yield start, text


def documented() -> list[Command]:
    """Every command of every document."""
    return [
        command for document in DOCUMENTS for command in commands_in(document, (ROOT / document).read_text())
    ]


def typed(command: str) -> str:
    """With the python that each document names at its top; that it does, test_every_command.py looks."""
    return _PYTHON.sub(r"\1.venv/bin/python ", command)
