"""Two at once, on PostgreSQL: one session, one payment, one revision each; without the lock it would fail."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.payment import handlers, repository
from services.payment.commands import ConfirmPayment, RequestCheckout
from services.payment.domain import BookingAccount
from shared.contracts.enrollment import BookingPlaced
from shared.contracts.payment import PaymentConfirmed
from shared.db.transaction import Tx
from tests.component.payment.site import Site

ROUNDS = 20


@pytest.fixture
def site(tmp_path: Path, database_url: Callable[[], str]) -> Iterator[Site]:
    """Payment alone, on PostgreSQL."""
    site = Site(tmp_path, url=database_url())
    yield site
    site.close()


def at_once(site: Site, actions: list[Callable[[], Any]]) -> list[BaseException]:
    """Run all at the same instant; what they raised."""
    start = threading.Barrier(len(actions))
    raised: list[BaseException] = []

    def run(action: Callable[[], Any]) -> None:
        start.wait()
        try:
            action()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def request_twice(site: Site, placed: BookingPlaced) -> list[BaseException]:
    """Two clicks reach their first transaction together."""
    command = RequestCheckout(booking_id=placed.booking_id, public_url="http://127.0.0.1", session_minutes=31)

    def click() -> None:
        with site.service.transactions.begin() as tx:
            handlers.request_checkout(command, tx)

    return at_once(site, [click] * 4)


def pay_twice(site: Site, placed: BookingPlaced) -> list[BaseException]:
    """Two payments of one booking are confirmed together."""
    with site.service.transactions.read() as session:
        payable_id = session.execute(
            text("SELECT payable_id FROM payable WHERE booking_id = :id"), {"id": placed.booking_id}
        ).scalar_one()

    def confirm(intent: str) -> Callable[[], None]:
        command = ConfirmPayment(
            attempt=1,
            booking_id=placed.booking_id,
            payable_id=payable_id,
            stripe_payment_intent_id=f"pi_{intent}_{placed.booking_id.hex}",
            stripe_charge_id=None,
            stripe_session_id=None,
            amount_minor=placed.amount_minor,
            currency="EUR",
            paid_at=site.clock.now(),
        )

        def act() -> None:
            with site.service.transactions.begin() as tx:
                handlers.confirm_payment(command, tx)

        return act

    return at_once(site, [confirm(name) for name in ("a", "b", "a", "b")])


def test_simultaneous_clicks_store_one_attempt(site: Site) -> None:
    for _ in range(ROUNDS):
        placed = site.place()
        assert request_twice(site, placed) == []
        assert len(site.checkouts(placed)) == 1


def test_simultaneous_payments_are_told_once_and_cover_once(site: Site) -> None:
    for _ in range(ROUNDS):
        placed = site.place()
        assert pay_twice(site, placed) == []
        assert len(site.payments(placed)) == 2
        assert {p.state.value for p in site.payments(placed)} == {"covering", "duplicate"}
    told = [event.booking_id for event in site.said(PaymentConfirmed)]
    assert len(told) == len(set(told)) == ROUNDS


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard removed: the account is read without its lock."""

    def read_only(tx: Tx, booking_id: Any) -> Any:
        account = tx.session.get(BookingAccount, booking_id)
        return None if account is None else repository.read_books(tx, account)

    for module in (handlers.checkouts, handlers.money):
        monkeypatch.setattr(module, "open_books", read_only)


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_payments_are_told_twice(site: Site) -> None:
    wrong = 0
    for _ in range(ROUNDS):
        placed = site.place()
        raised = pay_twice(site, placed)
        states = {p.state.value for p in site.payments(placed)}
        told = [e for e in site.said(PaymentConfirmed) if e.booking_id == placed.booking_id]
        wrong += bool(raised) or len(told) != 1 or states != {"covering", "duplicate"}
    assert wrong > 0, "the race must be real, or the tests above prove nothing"


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_the_index_still_refuses_a_second_live_attempt(site: Site) -> None:
    refused = 0
    for _ in range(ROUNDS):
        placed = site.place()
        refused += len(request_twice(site, placed))
        assert len(site.checkouts(placed)) == 1
    assert refused > 0, "the race must be real, or the index was never tried"
