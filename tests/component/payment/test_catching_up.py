"""The timer over Stripe's list of events, when there are more of them than one run reads."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import structlog

from services.payment.gateways.base import EventPage, PaymentGateway
from services.payment.queries import read_cursor
from services.payment.tasks import catch_up_with_events, catching_up
from shared.messaging.subscriptions import TimerContext
from tests.component.payment.site import Site

MOST_PER_RUN, BURST = 100, 150


class Listed:
    """A list of events as Stripe keeps it; counts what it was asked."""

    def __init__(self) -> None:
        self.created: list[datetime] = []
        self.pages = 0

    def events_between(
        self, since: datetime, until: datetime, types: Sequence[str], *, limit: int | None
    ) -> EventPage:
        first, last = int(since.timestamp()), int(until.timestamp())
        found = [
            (int(at.timestamp()), n)
            for n, at in enumerate(self.created)
            if first <= int(at.timestamp()) <= last
        ]
        newest = sorted(found, reverse=True)[:limit]
        self.pages += 1 + len(newest) // 100
        return EventPage(
            bodies=tuple(self._body(at, n) for at, n in reversed(newest)),
            complete=len(newest) == len(found),
        )

    @staticmethod
    def _body(at: int, n: int) -> str:
        data = {"object": {"id": f"dp_{n}", "object": "dispute"}}
        return json.dumps(
            {"id": f"evt_{n}", "object": "event", "type": "charge.expired", "created": at, "data": data}
        )


@pytest.fixture
def listed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Listed:
    # As many as in earnest would be the same at ten times the price.
    monkeypatch.setattr(catching_up, "_MOST_PER_RUN", MOST_PER_RUN)
    listed = Listed()
    gateway = site.service.gateways[PaymentGateway]
    monkeypatch.setattr(gateway, "events_between", listed.events_between)
    return listed


def run(site: Site) -> datetime:
    """One run of the timer; until when everything is read."""
    context = TimerContext(service=site.service, transactions=site.service.transactions, clock=site.clock)
    catch_up_with_events(context)
    with site.service.transactions.read() as session:
        read_until = read_cursor(session, "events")
    assert read_until is not None
    return read_until


def stored(site: Site) -> int:
    return sum(site.inbox_states().values())


def test_a_burst_is_read_and_what_comes_behind_it_too(site: Site, listed: Listed) -> None:
    began = run(site)
    for n in range(BURST):
        listed.created.append(began + timedelta(seconds=300 * n / BURST))
    # Its webhook was lost; nothing but this timer tells of it.
    listed.created.append(began + timedelta(minutes=20))

    site.pass_time(minutes=3)
    before = run(site)
    for _ in range(30):
        site.pass_time(minutes=1)
        after = run(site)
        assert after > before, "it never goes back, and never stands still"
        before = after

    assert stored(site) == BURST + 1
    assert before == site.clock.now()


def test_more_at_one_instant_than_one_run_reads_is_read_to_its_end(site: Site, listed: Listed) -> None:
    began = run(site)
    listed.created += [began + timedelta(seconds=90)] * BURST

    for _ in range(20):
        site.pass_time(minutes=1)
        run(site)

    assert stored(site) == BURST
    listed.pages = 0
    site.pass_time(minutes=30)
    run(site)
    assert listed.pages < 5, "and it costs nothing once it lies behind"


def test_an_outage_of_weeks_is_caught_up_with(site: Site, listed: Listed) -> None:
    began = run(site)
    for n in range(2 * BURST):
        listed.created.append(began + timedelta(hours=n))

    site.pass_time(days=13)
    for _ in range(12):
        site.pass_time(minutes=1)
        run(site)

    assert stored(site) == 2 * BURST


UNREADABLE = {
    "without a moment": '{"id": "evt_lost", "type": "charge.refunded"}',
    "a moment beyond the clock": json.dumps(
        {"id": "evt_lost", "type": "charge.refunded", "created": 1e20, "data": {"object": {}}}
    ),
    "a moment beyond the system": json.dumps(
        {"id": "evt_lost", "type": "charge.refunded", "created": 1e17, "data": {"object": {}}}
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_event_that_cannot_be_read_keeps_no_other_from_being_heard_of(
    case: str,
    site: Site,
    listed: Listed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    began = run(site)
    listed.created += [began + timedelta(seconds=second) for second in (10, 20, 30)]
    body = listed._body
    monkeypatch.setattr(listed, "_body", lambda at, n: UNREADABLE[case] if n == 1 else body(at, n))

    site.pass_time(minutes=3)
    with structlog.testing.capture_logs() as lines:
        assert run(site) == site.clock.now()

    assert stored(site) == 2
    (told,) = [line for line in lines if line["event"] == "event_unread"]
    # It is never listed again: this line is all that is left of it.
    assert (told["event_id"], told["event_type"]) == ("evt_lost", "charge.refunded")
