"""Who runs each command that the documents tell people to type. What nobody runs breaks the build."""

from collections.abc import Mapping

import pytest

_RUN_HERE: dict[str, str] = {}

CI_SCRIPT = ".ci/run"
BY_CI: Mapping[str, str] = {
    "make demo": "make demo",
    "make test": "make test",
    "make check": "make check",
    "make test-deps": "make test-deps",
}
"""Command → the words in CI's own script that run it: running it here would be CI inside CI."""

BY_OTHER_TESTS: Mapping[str, tuple[str, str]] = {}
"""Command → the file of a test that runs it, and words in that file that show it."""

PATTERNS: Mapping[str, str] = {
    "python -m services.<service> …": "the shape of the commands below it, each of which is run",
}
"""What looks like a command and is none, and why."""


def runs(*commands: str) -> pytest.MarkDecorator:
    """The test runs these commands, as they are written; it gets each as `command`."""
    for command in commands:
        _RUN_HERE[command] = "a test here"
    return pytest.mark.parametrize("command", commands)


def run_here() -> frozenset[str]:
    """What the tests of this folder run."""
    return frozenset(_RUN_HERE)
