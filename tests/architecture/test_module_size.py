"""A file that passes 300 lines is split by aggregate or resource into a folder of the same name."""

import pytest

from tests.architecture.source import Source, python_files

LONGEST = 300


@pytest.mark.parametrize(
    "source", python_files("services", "shared", "deploy", "tests"), ids=lambda source: source.path
)
def test_a_file_can_be_read_in_one_sitting(source: Source) -> None:
    # Data tables copied into code would be exempt; there are none.
    assert len(source.lines) <= LONGEST, f"{source.path} has {len(source.lines)} lines: split it"
