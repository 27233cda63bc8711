"""Suppressed warnings name what they suppress and why; nothing is left for later."""

import re

import pytest

from tests.architecture.source import Source, python_files

SOURCES = python_files("services", "shared", "deploy", "tests")
sources = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)

SUPPRESSION = re.compile(r"#\s*(type:\s*ignore|noqa)\b", re.IGNORECASE)
REASONED = re.compile(r"# (type: ignore\[[\w, -]+\]|noqa: [A-Z]+\d+(, [A-Z]+\d+)*)( -|  #) \w.{5,}")
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
OWN = "tests/architecture/test_suppressions.py"


@sources
def test_a_suppressed_warning_has_a_code_and_a_reason(source: Source) -> None:
    found = [
        f"{source.path}:{number}"
        for number, line in enumerate(source.lines, 1)
        if SUPPRESSION.search(line) and not REASONED.search(line) and source.path != OWN
    ]
    assert found == [], "write `# type: ignore[code]  # reason` or `# noqa: CODE  # reason`"


@sources
def test_nothing_is_left_for_later(source: Source) -> None:
    found = [
        f"{source.path}:{number}"
        for number, line in enumerate(source.lines, 1)
        if LATER.search(line) and source.path != OWN
    ]
    assert found == [], "do it, or open an issue"


@pytest.mark.parametrize(
    "source", python_files("services", "shared", "deploy"), ids=lambda source: source.path
)
def test_nothing_is_a_stub(source: Source) -> None:
    assert "NotImplementedError" not in source.text
