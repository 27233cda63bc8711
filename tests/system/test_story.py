"""The main job on both stacks under one test, and `make demo` as a newcomer runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site import EMBEDDED, RABBITMQ, STACKS, Site, Stack, real_servers

ROOT = Path(__file__).resolve().parents[2]
DEMO_SECONDS = 150


@pytest.fixture(scope="module", params=STACKS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A whole site on each stack."""
    if request.param == RABBITMQ:
        servers = real_servers(request.getfixturevalue("rabbitmq"), request.getfixturevalue("postgres"))
        with servers as stack, Site(stack) as site:
            yield site
    else:
        with Site(Stack()) as site:
            yield site


def test_the_story_ends_with_one_charge_and_one_membership(site: Site) -> None:
    site.story().run()

    charges = site.stripe_counters()["charges_by_reference"]
    assert isinstance(charges, dict)
    assert list(charges.values()) == [1]
    assert site.registry_counters()["accepted"] == 1
    assert set(site.unhandled().values()) == {0}
    assert set(site.unpublished().values()) == {0}
    assert site.supervisor.restarts == 0


# Embedded, the crash points kill each process at worse moments than this.
@pytest.mark.parametrize("site", [pytest.param(EMBEDDED, marks=pytest.mark.long), RABBITMQ], indirect=True)
def test_the_story_goes_on_when_every_process_of_ours_is_killed_in_the_middle(site: Site) -> None:
    ours = [program.name for program in site.plan.programs() if program.name != "sandboxes"]

    def kill(step: str) -> None:
        if step == "complete":
            for name in ours:
                site.supervisor.kill(name)

    site.story(workshop_id=site.open_workshop(), before=kill).run()

    assert site.supervisor.restarts >= len(ours)
    assert set(site.unhandled().values()) == {0}


def test_make_demo_runs_the_whole_job() -> None:
    # BIN points at this very environment, so that nothing is installed in the middle of a test.
    command = [
        "make",
        "--no-print-directory",
        "--old-file=.venv/.runtime",
        "demo",
        f"BIN={Path(sys.executable).parent}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEMO_SECONDS)

    assert done.returncode == 0, done.stdout + done.stderr
    told, _, result = done.stdout.partition("\nResult\n")
    for event in ("booking.placed", "payment.confirmed", "workshop.completed", "membership.activated"):
        assert f"{event}.v1" in told
    rows = dict(line.strip().rsplit("  ", 1) for line in result.splitlines() if line.strip())
    table = {label.strip(): value.strip() for label, value in rows.items()}
    assert table["charges in the Stripe sandbox"] == "1"
    assert table["submissions the Scrum Alliance accepted"] == "1"
    assert table["messages not published, not handled"] == "0, 0"


def test_a_demo_that_fails_says_what_did_not_happen_and_exits_with_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.failing_demo"],
        cwd=ROOT,
        # What a failed demo leaves behind for whoever mends it is of no use here.
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "It did not happen" in done.stderr
    assert "the activation e-mail of the Scrum Alliance arrives" in done.stderr
    assert "trainer marks everyone present" in done.stdout
    assert "Result" not in done.stdout
