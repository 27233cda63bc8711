"""The same line on PostgreSQL, with finance's queries."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.component.payment.site import Site
from tests.component.payment.test_finance import assessed, rows_of
from tests.component.payment.test_late_and_lost import confirmed


def test_the_line_and_its_lists(tmp_path: Path, database_url: Callable[[], str]) -> None:
    with closing(Site(tmp_path, url=database_url())) as site:
        placed, wrong = site.place(), site.place()
        paid = site.pay(placed)
        site.pay(wrong, currency_override="usd")
        site.deliver(reversed(site.stripe.events()))
        site.hear(confirmed(placed), assessed(placed, 0, site))
        assert site.covered(placed) == {"covered"}
        site.pass_time(hours=5)
        site.reconcile()
        finance = site.staff("finance")

        attention = finance.get("/finance?show=attention").text
        assert placed.reference in attention
        assert wrong.reference in attention
        assert placed.reference in finance.get(f"/finance?q={paid['charge']['id']}").text
        assert placed.reference in finance.get("/finance?q=lovelace").text
        assert len(rows_of(finance.get("/finance/bookings.csv"))) == 2
        assert finance.get(f"/finance/bookings/{placed.booking_id}").status_code == 200
        assert finance.get("/payment/api/payments?q=" + placed.reference).get_json()["total"] == 1

        site.stripe.pull("refund", charge=paid["charge"]["id"])
        site.deliver(site.stripe.events())
        assert site.covered(placed) == {"uncovered"}
        assert site.inbox_states().keys() == {"handled"}
