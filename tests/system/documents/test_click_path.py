"""README's click path on a fresh clone: `make run` is started, every step is done as it is written, Ctrl-C ends it."""

import re

import pytest

from tests.system.documents.checkout import Checkout, free_neighbours, is_free
from tests.system.documents.click_path import Walk, steps_of
from tests.system.documents.registry import runs

EXIT_CODES = (0, -2, 130)
"""By itself, or as a shell reports what ended by Ctrl-C: `make` passes the signal on to itself."""


@runs("make run")
def test_the_click_path_goes_as_it_is_written(checkout: Checkout, command: str) -> None:
    steps = steps_of((checkout.folder / "README.md").read_text())
    first = free_neighbours()
    with checkout.running(f"{command} PORT={first}") as site:
        site.wait_for("Ctrl-C ends it")
        Walk(checkout.folder, lambda url: moved(url, first)).walk(steps)
        code = site.press_ctrl_c()
        printed = site.printed
    assert code in EXIT_CODES, (code, printed)
    assert "Traceback" not in printed, printed
    assert "Error" not in printed, printed
    assert all(is_free(port) for port in range(first, first + 5)), "something still listens"


def moved(url: str, first: int) -> str:
    """An address of the documents, on the ports of this run."""
    return re.sub(r":800(\d)", lambda found: f":{first + int(found[1])}", url)


def test_negative_control_a_step_nobody_takes_is_noticed() -> None:
    (step,) = steps_of("## A click path\n\n1. Open <http://127.0.0.1:8000>, press **Dance**.\n\n## Next\n")
    step.says("http://127.0.0.1:8000")
    assert step.unused == {"Dance"}
    with pytest.raises(AssertionError, match="does not say “Sing”"):
        step.says("Sing")
