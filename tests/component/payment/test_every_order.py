"""Every permutation of a story's messages, with repetitions, ends in the same books."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.payment.domain import Dispute, Payment, Refund
from shared.contracts.enrollment import BookingPlaced
from shared.contracts.payment import CoverageFact
from shared.messaging.event import Event
from tests.component.payment.site import Site
from tests.component.payment.test_late_and_lost import confirmed, expired

Message = dict[str, Any] | Event


class Story:
    """One booking paid, disputed, won and refunded in part, then whole; and all that was said about it."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.placed: BookingPlaced = self.site.place()
        assert self.site.click(self.placed).status_code == 303
        self._database, self._start = folder / "payment.sqlite", folder / "start.sqlite"
        _copy(self._database, self._start)
        charge = self.site.pay(self.placed)["charge"]["id"]
        levers = [("dispute/open", {}), ("dispute/win", {}), ("refund", {"amount": 1_000}), ("refund", {})]
        for lever, sent in levers:
            self.site.pass_time(minutes=1)
            self.site.stripe.pull(lever, charge=charge, **sent)
        self.messages: list[Message] = [
            *self.site.stripe.events(),
            expired(self.placed),
            confirmed(self.placed),
        ]

    def tell(self, messages: list[Message]) -> dict[str, Any]:
        """The end of the story, when its messages come in this order after the session was opened."""
        _copy(self._start, self._database)
        for message in messages:
            if isinstance(message, Event):
                self.site.hear(message)
            else:
                self.site.deliver([message])
        return self._end()

    def _end(self) -> dict[str, Any]:
        account = self.site.account(self.placed)
        with self.site.service.transactions.read() as session:
            found = {
                "payments": {(p.payment_id, p.state, p.paid_at) for p in session.scalars(select(Payment))},
                "refunds": {(r.refund_id, r.state) for r in session.scalars(select(Refund))},
                "disputes": {(d.dispute_id, d.state, d.state_at) for d in session.scalars(select(Dispute))},
            }
        return {
            **found,
            "coverage": self.site.coverage(self.placed),
            "told": self._last_told(),
            "account": (account.state, account.expected_minor, account.received_minor, account.attention),
            "inbox": set(self.site.inbox_states()),
        }

    def _last_told(self) -> dict[Any, str]:
        newest: dict[Any, CoverageFact] = {}
        for event in self.site.said(Event):
            for fact in getattr(event, "coverage", ()):
                before = newest.get(fact.enrollment_id)
                assert before is None or fact.revision == before.revision + 1
                newest[fact.enrollment_id] = fact
        return {enrollment_id: fact.state for enrollment_id, fact in newest.items()}


def _copy(source: Path, target: Path) -> None:
    # SQLite's own copying is safe while other connections are open.
    with closing(sqlite3.connect(source)) as giver, closing(sqlite3.connect(target)) as taker:
        giver.backup(taker)


def test_any_order_with_repetitions_ends_in_the_same_books(tmp_path: Path) -> None:
    story = Story(tmp_path)
    in_order = story.tell(story.messages)
    assert set(in_order["coverage"].values()) == {"uncovered"}
    assert in_order["told"] == in_order["coverage"]
    assert in_order["inbox"] == {"handled"}

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        again = data.draw(st.lists(st.sampled_from(range(len(story.messages))), max_size=6))
        order = data.draw(st.permutations([*range(len(story.messages)), *again]))
        assert story.tell([story.messages[index] for index in order]) == in_order

    try:
        check()
    finally:
        story.site.close()
