"""A Python file that passes 300 lines is split by aggregate or resource into a folder of the same name."""

from tests.architecture.source import python_files

LONGEST = 300


def test_every_file_can_be_read_in_one_sitting() -> None:
    long = {
        source.path: len(source.lines)
        for source in python_files("services", "shared", "deploy", "tests")
        if len(source.lines) > LONGEST
    }
    assert long == {}, "split it; the shape stays"
