"""Wrong money that was told of by an older release, which never told that it had gone back."""

import pytest
from sqlalchemy import text

from services.payment.tasks import tell_uncounted_money
from shared.contracts.enrollment import BookingPlaced
from shared.contracts.payment import PaymentFailed
from shared.db import migrate
from shared.db.engine import write_connection
from shared.messaging.subscriptions import TimerContext
from tests.component.payment.site import Site


def upgrade_from_before(site: Site) -> None:
    """The database as the older release left it, and what the migrations make of it."""
    with write_connection(site.service.engine) as connection:
        for column in ("wrong_money", "wrong_money_revision"):
            connection.execute(text(f"ALTER TABLE booking_account DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    migrate.upgrade(site.service.engine, site.service.migrations, site.service.metadata)


def look(site: Site) -> None:
    """One round of the timer."""
    service = site.service
    tell_uncounted_money(TimerContext(service=service, transactions=service.transactions, clock=site.clock))


def told(site: Site, placed: BookingPlaced) -> list[tuple[str, int | None]]:
    """What was published of the booking's wrong money."""
    return [(event.reason, event.revision) for event in site.said(PaymentFailed)]


@pytest.mark.parametrize(
    ("levers", "now"),
    [
        (["refund"], "returned"),
        (["dispute/open", "dispute/lose"], "returned"),
        (["dispute/open"], "wrong_currency"),
        ([], "wrong_currency"),
    ],
)
def test_how_it_stands_is_told_once_more(site: Site, levers: list[str], now: str) -> None:
    placed, exact = site.place(), site.place()
    charge = site.pay(placed, currency_override="usd")["charge"]["id"]
    site.pay(exact)
    for lever in levers:
        site.stripe.pull(lever, charge=charge)
    site.deliver(site.stripe.events())
    before = len(told(site, placed))
    upgrade_from_before(site)

    look(site)
    look(site)

    assert told(site, placed)[before:] == [(now, 1)]
    assert site.account(placed).wrong_money == (None if now == "returned" else now)
    assert site.account(exact).wrong_money is None


def test_nothing_is_told_again_of_what_was_counted(site: Site) -> None:
    placed = site.place()
    site.pay(placed, amount_override=1)
    site.deliver(site.stripe.events())
    look(site)
    assert told(site, placed) == [("wrong_amount", 1)]
