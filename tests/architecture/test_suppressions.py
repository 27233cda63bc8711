"""Suppressed warnings name what they suppress and why; nothing is a stub or left for later."""

import re

from tests.architecture.source import ROOT, python_files

CODE = python_files("services", "shared", "deploy")
OWN = str(__file__).removeprefix(f"{ROOT}/")
EVERYTHING = [source for source in [*CODE, *python_files("tests")] if source.path != OWN]

SUPPRESSION = re.compile(r"#\s*(type:\s*ignore|noqa)\b", re.IGNORECASE)
REASONED = re.compile(r"# (type: ignore\[[\w, -]+\]|noqa: [A-Z]+\d+(, [A-Z]+\d+)*)( -| —|  #) \S.{5,}")
LATER = re.compile(r"\b(TODO|FIXME|HACK)\b")


def test_a_suppressed_warning_has_a_code_and_a_reason() -> None:
    found = [
        f"{source.path}:{number}"
        for source in EVERYTHING
        for number, line in enumerate(source.lines, 1)
        if SUPPRESSION.search(line) and not REASONED.search(line)
    ]
    assert found == [], "write `# type: ignore[code]  # reason` or `# noqa: CODE  # reason`"


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{source.path}:{number}"
        for source in EVERYTHING
        for number, line in enumerate(source.lines, 1)
        if LATER.search(line)
    ]
    assert found == [], "do it, or open an issue"


def test_nothing_is_a_stub() -> None:
    assert [source.path for source in CODE if "NotImplementedError" in source.text] == []
