"""A marked person goes through the whole story and is found in the listed columns and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.story import STUDENT
from tests.support.personal_data import SERVICES, Column, columns_holding, lines_holding, listed_columns

ROOT = Path(__file__).resolve().parents[2]
MARKERS = (STUDENT["family_name"], STUDENT["email"])
KERNEL = {"outbox", "inbox", "message_reference", "staff_refusal"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The databases and logs that `make demo` leaves behind."""
    parent = tmp_path_factory.mktemp("demo")
    run = subprocess.run(
        [sys.executable, "-m", "services", "demo", "--keep"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key not in {"AMQP_URL", "DATABASE_URL"}}
        | {"TMPDIR": str(parent)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (left,) = parent.iterdir()
    return left


def test_the_marked_person_stands_in_listed_columns_only(folder: Path) -> None:
    found: dict[Column, int] = {}
    for service in SERVICES:
        found |= columns_holding(folder / f"{service}.db", service, MARKERS)
    assert found.keys() <= listed_columns()
    # The search is not blind: whoever needs the name has it.
    assert ("enrollment", "enrollment", "family_name") in found
    assert ("payment", "booking_account", "payer_name") in found
    assert ("certification", "submission", "family_name") in found


def test_messages_that_are_done_hold_nobody(folder: Path) -> None:
    for service in SERVICES:
        found = columns_holding(folder / f"{service}.db", service, MARKERS)
        assert [column for column in found if column[1] in KERNEL] == []


def test_logs_name_nobody(folder: Path) -> None:
    # The sandboxes stand for somebody else's systems; what they log is theirs.
    assert lines_holding(folder / "logs" / "site.log", ("/bookings/",)), "requests are logged"
    for log in ("site.log", "worker.log"):
        assert lines_holding(folder / "logs" / log, MARKERS) == []
