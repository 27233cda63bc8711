"""Every other command of the documents, run in a fresh clone as it is written; `<names>` are filled in."""

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from shared.db.engine import write_connection
from shared.db.migrate import upgrade
from shared.messaging.inbox import Failure, new_row, store_dead
from shared.web.app import create_web
from tests.factories.services import composed
from tests.system.documents.checkout import Checkout
from tests.system.documents.commands import ACTIVATED, typed
from tests.system.documents.registry import runs


def test_python_is_where_the_documents_say(checkout: Checkout) -> None:
    """Both ways: the file, and the environment that was put first."""
    for python in (".venv/bin/python", f"{ACTIVATED} && python"):
        assert "all that is named" in checkout.run(
            f"{python} -c 'import flask; print(\"all that is named\")'"
        )


@runs("make")
def test_make_lists_its_targets(checkout: Checkout, command: str) -> None:
    printed = checkout.run(command)
    for target in ("demo", "run", "test", "check", "bench", "system"):
        assert re.search(rf"^  {target} +\w", printed, re.MULTILINE), printed


@runs("make contracts", "python -m shared.contracts export --unreleased <type>")
def test_contracts_are_written_as_they_are_committed(checkout: Checkout, command: str) -> None:
    before = checkout.changed()
    checkout.run(typed(command.replace("<type>", "booking.placed.v1")))
    assert checkout.changed() == before


@runs('make migration s=<service> n=<number> m="what changes"')
def test_a_migration_is_written(checkout: Checkout, command: str) -> None:
    checkout.run(command.replace("<service>", "payment").replace("<number>", "9999"))
    folder = checkout.folder / "services" / "payment" / "migrations" / "versions"
    (written,) = folder.glob("9999*.py")
    text = written.read_text()
    written.unlink()
    assert "what changes" in text
    assert "def upgrade() -> None:" in text


# The runbook, on a sandbox whose payment service has messages that nobody could handle ---------------


@pytest.fixture(scope="module")
def sandbox(checkout: Checkout) -> Path:
    """A sandbox's databases in the clone; payment's has four dead messages."""
    folder = checkout.folder / "var-of-the-runbook"
    folder.mkdir()
    failure = Failure(kind="failed", error="ValueError: no such workshop", fingerprint="f1")
    for name in ("enrollment", "payment"):
        service = composed(name, folder)
        upgrade(service.engine, service.migrations, service.metadata)
        with write_connection(service.engine) as connection:
            for number in (1, 2, 3, 4):
                row = new_row(
                    consumer="bus",
                    message_id=f"dead-{number}",
                    type="booking.placed.v1",
                    payload="{}",
                    correlation_id="c-1",
                )
                store_dead(connection, row, replace(failure, fingerprint=f"f{number}"))
        service.engine.dispose()
    return folder


def on(sandbox: Path, checkout: Checkout, command: str, service: str) -> str:
    """Run it against one service's database."""
    command = typed(command.replace("<service>", service))
    return checkout.run(
        command,
        {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": f"sqlite:///{sandbox / service}.db", "USER": "ada"},
    )


def state_of(sandbox: Path, message_id: str) -> tuple[str, str]:
    """A message of payment's, read back."""
    with sqlite3.connect(sandbox / "payment.db") as connection:
        found = connection.execute("SELECT state, actor FROM inbox WHERE message_id = ?", (message_id,))
        state, actor = found.fetchone()
    return state, actor


@runs("python -m services.payment dead-letters list")
def test_dead_letters_are_listed(sandbox: Path, checkout: Checkout, command: str) -> None:
    lines = on(sandbox, checkout, command, "payment").splitlines()
    assert [json.loads(line)["state"] for line in lines if line.startswith("{")] == ["dead"] * 4


@runs("python -m services.payment dead-letters groups")
def test_groups_are_counted(sandbox: Path, checkout: Checkout, command: str) -> None:
    lines = on(sandbox, checkout, command, "payment").splitlines()
    assert {json.loads(line)["fingerprint"] for line in lines if line.startswith("{")} == {
        "f1",
        "f2",
        "f3",
        "f4",
    }


@runs("python -m services.payment dead-letters retry-group TYPE FINGERPRINT")
def test_a_group_is_tried_again(sandbox: Path, checkout: Checkout, command: str) -> None:
    of_three = command.replace("TYPE", "booking.placed.v1").replace("FINGERPRINT", "f3")
    assert "1 retried: 0 handled, 0 failed again, 1 waiting" in on(
        sandbox, checkout, f"{of_three} --wait 0", "payment"
    )
    assert state_of(sandbox, "dead-3") == ("received", "cli:ada")


@runs('python -m services.payment dead-letters discard-group TYPE FINGERPRINT --reason "…"')
def test_a_group_is_given_up(sandbox: Path, checkout: Checkout, command: str) -> None:
    on(
        sandbox,
        checkout,
        command.replace("TYPE", "booking.placed.v1").replace("FINGERPRINT", "f4"),
        "payment",
    )
    assert state_of(sandbox, "dead-4") == ("discarded", "cli:ada")


@runs("python -m services.payment dead-letters retry MESSAGE_ID")
def test_one_is_tried_again(sandbox: Path, checkout: Checkout, command: str) -> None:
    on(sandbox, checkout, command.replace("MESSAGE_ID", "dead-1"), "payment")
    assert state_of(sandbox, "dead-1") == ("received", "cli:ada")


@runs('python -m services.payment dead-letters discard MESSAGE_ID --reason "…"')
def test_one_is_given_up(sandbox: Path, checkout: Checkout, command: str) -> None:
    on(sandbox, checkout, command.replace("MESSAGE_ID", "dead-2"), "payment")
    assert state_of(sandbox, "dead-2") == ("discarded", "cli:ada")


@runs("python -m services.<service> outbox")
def test_the_outbox_tells_its_depth(sandbox: Path, checkout: Checkout, command: str) -> None:
    assert "payment: 0 waiting" in on(sandbox, checkout, command, "payment")


@runs("python -m services.enrollment seats")
def test_seats_are_compared(sandbox: Path, checkout: Checkout, command: str) -> None:
    on(sandbox, checkout, command, "enrollment")


@runs("python -m services.enrollment seats --mend")
def test_a_wrong_counter_is_mended(sandbox: Path, checkout: Checkout, command: str) -> None:
    service = composed("enrollment", sandbox)
    assert service.seed is not None
    service.seed(service)
    service.engine.dispose()
    with sqlite3.connect(sandbox / "enrollment.db") as connection:
        connection.execute("UPDATE workshop SET reserved = reserved + 1 WHERE reserved = 0")
    assert "mended: 1 reserved before, 0 now" in on(sandbox, checkout, command, "enrollment")
    assert on(sandbox, checkout, command, "enrollment") == "All seats add up.\n"


@runs("python -m services.enrollment bookings renew-links REFERENCE")
def test_the_links_of_a_booking_are_replaced(sandbox: Path, checkout: Checkout, command: str) -> None:
    service = composed("enrollment", sandbox)
    assert service.seed is not None
    service.seed(service)
    client = create_web(service).test_client()
    offered = client.get("/enrollment/api/workshops").get_json()["workshops"]
    person = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}
    booked = client.post(
        "/enrollment/api/bookings",
        json={
            "workshop_id": offered[0]["workshop_id"],
            "payer_name": "Charles Babbage",
            "payer_email": "charles@example.com",
            "attendees": [person],
        },
        headers={"Idempotency-Key": "one-for-the-runbook"},
    ).get_json()
    service.engine.dispose()

    told = on(sandbox, checkout, command.replace("REFERENCE", booked["reference"]), "enrollment")

    assert "The links have version 2 now" in told
    refused = on(sandbox, checkout, f"! {command}", "enrollment")
    assert "There is no booking with this reference." in refused


@runs("python -m services trace ID var/logs/*.log")
def test_a_story_is_told_from_the_logs(checkout: Checkout, command: str) -> None:
    logs = checkout.folder / "var" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    line = {"timestamp": "2026-11-02T09:00:00Z", "event": "message_said", "service": "enrollment"}
    more = {
        "message_id": "m-1",
        "event_type": "booking.placed.v1",
        "references": ["b-1"],
        "correlation_id": "c-1",
    }
    (logs / "told.log").write_text(f"starting\n{json.dumps({**line, **more})}\n")
    assert "said booking.placed.v1" in checkout.run(typed(command.replace("ID", "b-1")))
