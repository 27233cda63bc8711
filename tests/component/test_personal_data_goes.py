"""What takes personal data out of messages does it, seen on the whole site; without it, it would stay."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from services.payment.gateways import stripe_reading
from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.messaging import codec
from shared.messaging.codec import Codec, Encoded
from shared.messaging.housekeeping import forget_failed_people
from tests.support.in_process import SERVICES, WholeSite, whole_site
from tests.support.marked_people import MARK, MOVED, MarkedPeople, Place
from tests.support.personal_data import Column, columns_holding, listed_columns
from tests.support.whole_story import attendee, book, plan

Patch = Callable[[pytest.MonkeyPatch], None]


def found_in(folder: Path) -> dict[Column, int]:
    """Where marked people stand in this site's databases."""
    return columns_holding({name: f"sqlite:///{folder / name}.db" for name in SERVICES}, [MARK])


def visit(site: WholeSite) -> None:
    """Marked people go through everything."""

    def settle() -> None:
        site.pass_time(seconds=2)
        site.retry_now()
        site.deliver()
        site.tick()

    MarkedPeople(
        Place(
            site_url=site.url,
            stripe_url=site.stripe.url,
            scrum_alliance_url=site.registry.url,
            webhook_secret="whsec_sandbox",
            advance=site.clock.advance,
            settle=settle,
            now=site.clock.now,
        )
    ).go()
    settle()


def leave_bus(patch: pytest.MonkeyPatch) -> None:
    """Published rows keep what was published, and handled messages what they said."""
    encode: Any = Codec.encode

    def as_it_is(self: Codec, *given: Any, **more: Any) -> Encoded:
        encoded: Encoded = encode(self, *given, **more)
        return encoded._replace(redacted=None)

    patch.setattr(Codec, "encode", as_it_is)
    patch.setattr(codec, "_redact", lambda text, raw: None)


def leave_stripe(patch: pytest.MonkeyPatch) -> None:
    """Handled webhooks keep what Stripe sent."""
    patch.setattr(stripe_reading, "redacted", lambda payload: payload)


def nothing(patch: pytest.MonkeyPatch) -> None:
    """Everything as it is."""


@pytest.mark.parametrize(
    ("left_out", "columns"),
    [
        (nothing, set()),
        (
            leave_bus,
            {("enrollment", "outbox", "payload"), *((name, "inbox", "payload") for name in SERVICES)},
        ),
        (leave_stripe, {("payment", "inbox", "payload")}),
    ],
    ids=["as it is", "bus", "stripe"],
)
def test_messages_keep_people_only_without_their_redaction(
    seeded_databases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    left_out: Patch,
    columns: set[Column],
) -> None:
    left_out(monkeypatch)
    with whole_site(seeded_databases, tmp_path) as site:
        visit(site)
        ((service, *_, state, error),) = site.unfinished()
        assert (service, state) == ("payment", "discarded")
        assert MARK not in str(error)
    found = found_in(tmp_path)
    kernel = {column for column in found if column[1] in ("inbox", "outbox", "message_reference")}
    assert kernel == columns | {("payment", "inbox", "note")}
    assert found.keys() <= listed_columns()


def test_a_message_that_failed_forgets_its_people_after_thirty_days(
    rostrum: WholeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rostrum.registry.behave(behaviour="server_error", on="any")
    book(rostrum, plan(rostrum), attendees=[attendee(email=MOVED)], payer_email=MOVED)
    for worker in rostrum.workers.values():
        # Whoever hears of a booking's people stumbles over them, and says so with their names.
        monkeypatch.setattr(worker.desk, "_handle_once", _stumble)
    rostrum.carry()
    monkeypatch.undo()

    failed = {("payment", "inbox", "payload"), ("certification", "inbox", "payload")}
    assert {column for column in found_in(tmp_path) if column[1] == "inbox"} == failed
    states = {state for _, _, state, _ in rostrum.unfinished()}
    assert states == {"failed"}
    assert all("[masked]" in (error or "") for *_, error in rostrum.unfinished())

    def forget(days: float) -> int:
        at = datetime.now(UTC) - timedelta(days=days)
        count = 0
        for service in rostrum.services.values():
            with write_connection(service.engine) as connection:
                connection.execute(update(inbox).where(inbox.c.state == "failed").values(first_failed_at=at))
            count += forget_failed_people(service.transactions, service.reader)
        return count

    assert forget(29.9) == 0
    assert {column for column in found_in(tmp_path) if column[1] == "inbox"} == failed
    assert forget(30.1) == 2
    assert {column for column in found_in(tmp_path) if column[1] == "inbox"} == set()
    # The rows are still there to be seen, and what failed can be published again by its owner.
    assert len(rostrum.unfinished()) == 2


def _stumble(pairs: Any) -> None:
    (_, message), *_ = pairs
    raise ValueError(f"cannot handle {message.event}")
