"""A command in a document that nobody runs breaks the build; so does a promise to run one that is not there."""

from pathlib import Path

import pytest

from tests.system.documents import registry
from tests.system.documents import test_bench as _bench  # noqa: F401 - importing registers what it runs
from tests.system.documents import test_click_path as _walk  # noqa: F401 - and this one
from tests.system.documents import test_commands as _here  # noqa: F401 - and this one too
from tests.system.documents import test_real_servers as _servers  # noqa: F401 - and this one
from tests.system.documents.commands import DOCUMENTS, ROOT, WHERE_PYTHON_IS, Command, commands_in, documented

HERE = "tests/system/documents"


def unclaimed(commands: list[Command]) -> list[str]:
    """Commands that nobody runs, with what to do about it."""
    claimed = {*registry.run_here(), *registry.BY_CI, *registry.BY_OTHER_TESTS, *registry.PATTERNS}
    return [
        f"{command} — nobody runs it. Run it in {HERE}/test_commands.py under @runs({command.text!r}), or name the "
        f"test that does in BY_OTHER_TESTS of {HERE}/registry.py"
        for command in commands
        if command.text not in claimed
    ]


def test_every_documented_command_is_run() -> None:
    missing = unclaimed(documented())
    assert not missing, "\n".join(missing)


def test_every_command_that_is_run_is_documented() -> None:
    written = {command.text for command in documented()}
    claimed = {*registry.run_here(), *registry.BY_CI, *registry.BY_OTHER_TESTS, *registry.PATTERNS}
    assert claimed - written == set(), "no document says these any more: take them out"


def test_ci_runs_what_it_is_said_to_run() -> None:
    script = [
        line for line in (ROOT / registry.CI_SCRIPT).read_text().splitlines() if not line.startswith("#")
    ]
    missing = [
        command for command, words in registry.BY_CI.items() if not any(words in line for line in script)
    ]
    assert missing == [], f"{registry.CI_SCRIPT} does not run these any more"


def test_other_tests_run_what_they_are_said_to_run() -> None:
    for command, (file, words) in registry.BY_OTHER_TESTS.items():
        assert (ROOT / file).is_file(), f"{command}: there is no {file}"
        assert Path(file).name.startswith("test_"), f"{command}: {file} is no test"
        assert words in (ROOT / file).read_text(), f"{command}: {file} does not say {words!r} any more"


def untold(document: str, text: str) -> list[str]:
    """Commands for a python of which the document has not said by then where it is."""
    lines = text.splitlines()
    return [
        f"{command} — say before it: {WHERE_PYTHON_IS}"
        for command in commands_in(document, text)
        if command.text.startswith("python ")
        and command.text not in registry.PATTERNS
        and WHERE_PYTHON_IS not in " ".join(" ".join(lines[: command.line]).split())
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_says_which_python_it_means(document: str) -> None:
    assert untold(document, (ROOT / document).read_text()) == []


def test_negative_control_a_python_that_nobody_finds_is_named() -> None:
    later = f"```sh\npython -m a\n```\nHere {WHERE_PYTHON_IS}.\n```sh\npython -m b\n```\n"
    (message,) = untold("a.md", later)
    assert message.startswith("a.md:2: python -m a — say before it")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\nmake it   # now\n# a comment\n```\n", ["2: make it"]),
        ("```console\n$ python -m a \\\n    --b\n```\n", ["2: python -m a --b"]),
        ("```text\nmake nothing\n```\n", []),
        (
            "Say `make it` and\n`A=1 B='x y' python -m z`, not `made` or `services/x.py`.",
            ["1: make it", "2: A=1 B='x y' python -m z"],
        ),
        ("```sh\nbake it\n```\n", ["2: bake it"]),
    ],
)
def test_commands_are_found_where_they_stand(text: str, found: list[str]) -> None:
    assert [f"{c.line}: {c.text}" for c in commands_in("a.md", text)] == found


def test_negative_control_a_command_nobody_runs_is_named() -> None:
    (message,) = unclaimed(list(commands_in("README.md", "\nTry `make coffee`.")))
    assert message.startswith("README.md:2: make coffee — nobody runs it.")
