"""What CI's script forgives: the very code of `tried`, with a stand-in for make that fails as it is told to."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import stand_in

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (ROOT / ".ci" / "run").read_text()
PROOFS = re.search(r'^proofs="\n(.*?)\n"$', SCRIPT, re.MULTILINE | re.DOTALL)
CAREFUL = "tests/component/test_slow_outside.py::test_one[a case]"
MAKE = """#!/bin/sh
echo "$*" >> asked
turn=$(wc -l < asked)
mkdir -p .pytest_cache/v/cache
[ -e "fails-$turn" ] || { rm -f .pytest_cache/v/cache/lastfailed; echo "1 passed"; exit 0; }
cp "fails-$turn" .pytest_cache/v/cache/lastfailed
echo "make: *** [Makefile:31: $1] Error $(cat breaks-off 2>/dev/null || echo 1)"
exit 2
"""


def proofs() -> list[str]:
    assert PROOFS
    return PROOFS[1].split()


@dataclass
class Run:
    """One run of CI's tests in a folder of its own."""

    folder: Path

    def fails(self, turn: int, *tests: str) -> None:
        """Let make's run of this number fail with these tests, as pytest writes them down."""
        (self.folder / f"fails-{turn}").write_text(json.dumps(dict.fromkeys(tests, True), indent=2))

    def ends(self, *, after: str = "") -> subprocess.CompletedProcess[str]:
        """Run `tried make test`, then more."""
        step = re.search(r"^step\(\) .*$", SCRIPT, re.MULTILINE)
        assert step
        code = SCRIPT[SCRIPT.index('forgiven=""') : SCRIPT.index('step "test"')]
        lines = f"set -euo pipefail\n{step[0]}\n{code}\ntried make test\n{after}\necho the end"
        return stand_in.run(["bash", "-c", lines], self.folder, cwd=self.folder)

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    stand_in.put(tmp_path, "make", MAKE)
    return Run(tmp_path)


def test_what_passes_is_run_once(run: Run) -> None:
    ended = run.ends()
    assert (ended.returncode, run.asked) == (0, ["test"])
    assert ended.stdout.splitlines()[-1] == "the end"


def test_what_fails_once_has_to_pass_three_times_and_is_named_last(run: Run) -> None:
    run.fails(1, CAREFUL, "tests/browser/test_pages.py::test_two")
    ended = run.ends()
    assert ended.returncode == 0
    assert len(run.asked) == 4
    assert ended.stdout.splitlines()[-4:] == [
        "",
        "Passed only at a second attempt, and are to be mended:",
        f"  {CAREFUL}",
        "  tests/browser/test_pages.py::test_two",
    ]


def test_what_was_forgiven_is_named_last_even_if_the_run_fails_later(run: Run) -> None:
    run.fails(1, CAREFUL)
    ended = run.ends(after="false")
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1] == f"  {CAREFUL}"
    assert "the end" not in ended.stdout


def test_what_fails_again_is_not_forgiven(run: Run) -> None:
    run.fails(1, CAREFUL)
    run.fails(3, CAREFUL)
    ended = run.ends()
    assert (ended.returncode, len(run.asked)) == (1, 3)
    assert "Passed only" not in ended.stdout


@pytest.mark.parametrize("proof", proofs())
@pytest.mark.parametrize("beside", [(), (CAREFUL,)])
def test_no_proof_is_forgiven(run: Run, proof: str, beside: tuple[str, ...]) -> None:
    failed = proof + "test_carrying.py::test_it" if proof.endswith("/") else f"{proof}::test_it"
    run.fails(1, *beside, failed)
    ended = run.ends()
    assert (ended.returncode, run.asked) == (1, ["test"])
    said = ended.stdout.splitlines()
    assert said[-2:] == [failed, "What proves a promise failed: it is not tried again."]


def test_four_are_too_many(run: Run) -> None:
    run.fails(1, *(f"{CAREFUL}{number}" for number in range(4)))
    assert (run.ends().returncode, run.asked) == (1, ["test"])


def test_what_broke_off_is_not_tried_again(run: Run) -> None:
    run.fails(1, CAREFUL)
    (run.folder / "breaks-off").write_text("2")
    assert (run.ends().returncode, run.asked) == (1, ["test"])


def test_a_failure_of_which_nothing_is_known_is_none_to_forgive(run: Run) -> None:
    cache = run.folder / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    # Of an earlier run.
    (cache / "lastfailed").write_text(json.dumps({CAREFUL: True}, indent=2))
    (run.folder / "make").write_text('#!/bin/sh\necho "$*" >> asked\necho "make: *** Error 1"\nexit 2\n')
    assert (run.ends().returncode, run.asked) == (1, ["test"])


def test_the_proofs_are_there_and_are_those_that_readme_names() -> None:
    assert [proof for proof in proofs() if not (ROOT / proof).exists()] == []
    promises = ("Exactly one activation", "Nothing is lost", "Both buses", "A workshop is never oversold")
    rows = [
        line
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith(tuple(f"| {promise}" for promise in promises))
    ]
    named = [path for row in rows for path in re.findall(r"`(tests/[^`]+)`", row)]
    assert len(rows) == len(promises)
    assert [path for path in named if not any(proof.startswith(path) for proof in proofs())] == []
