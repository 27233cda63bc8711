"""What finance sees: expected, received, difference, and what somebody has to look at."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.contracts.certification import MembershipSubmitted
from shared.contracts.enrollment import BookingPlaced, EnrollmentAssessed, Payer
from shared.ids import new_id
from tests.component.payment.site import Site
from tests.component.payment.test_late_and_lost import confirmed, expired, unseated


def rows_of(response: TestResponse) -> list[dict[str, str]]:
    """The lines of a CSV."""
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))


def assessed(
    placed: BookingPlaced, seat: int, site: Site, *, eligible: bool = True, revision: int = 1
) -> Any:
    """The trainer's verdict on one seat."""
    return EnrollmentAssessed(
        enrollment_id=placed.seats[seat].enrollment_id,
        booking_id=placed.booking_id,
        workshop_id=placed.workshop_id,
        course_code="CSPO",
        revision=revision,
        attended_minutes=840,
        required_minutes=840,
        participation=True,
        understanding=True,
        eligible=eligible,
        reasons=(),
        released_by=new_id(),
        assessed_at=site.clock.now(),
    )


def submitted(placed: BookingPlaced, seat: int, site: Site) -> MembershipSubmitted:
    """The Scrum Alliance has the name."""
    return MembershipSubmitted(
        enrollment_id=placed.seats[seat].enrollment_id,
        booking_id=placed.booking_id,
        activation_id=new_id(),
        course_code="CSPO",
        occurred_at=site.clock.now(),
    )


@pytest.mark.parametrize("path", ["/finance", "/finance/bookings.csv", "/payment/api/payments"])
def test_only_finance_and_admin_come_in(site: Site, path: str) -> None:
    assert site.client().get(path).status_code in (303, 401)
    assert site.staff("trainer").get(path).status_code == 403
    assert site.staff("finance").get(path).status_code == 200
    assert site.staff("admin").get(path).status_code == 200


def test_an_empty_list_says_what_will_be_here(site: Site) -> None:
    assert "No bookings yet" in site.staff("finance").get("/finance").text
    assert "Nothing needs attention" in site.staff("finance").get("/finance?show=attention").text
    assert "No booking fits" in site.staff("finance").get("/finance?q=nobody").text


def test_expected_received_and_difference_of_every_booking(site: Site) -> None:
    paid, waiting, closed = site.place(), site.place(), site.place()
    site.pay(paid)
    site.deliver(site.stripe.events())
    site.hear(expired(closed))

    rows = {row["Booking id"]: row for row in rows_of(site.staff("finance").get("/finance/bookings.csv"))}

    def money(placed: BookingPlaced) -> tuple[str, str, str, str]:
        row = rows[str(placed.booking_id)]
        return row["State"], row["Expected"], row["Received"], row["Difference"]

    assert money(paid) == ("Paid", "1190.00", "1190.00", "0.00")
    assert money(waiting) == ("Waiting for payment", "1190.00", "0.00", "-1190.00")
    assert money(closed) == ("Closed unpaid", "0.00", "0.00", "0.00")


def test_the_totals_on_the_screen_are_those_of_the_file(site: Site) -> None:
    bookings = [site.place() for _ in range(55)] + [site.place(currency="JPY", share=40_000)]
    for placed in (*bookings[:3], bookings[-1]):
        site.pay(placed)
    site.pay(site.place(), currency_override="usd")
    site.deliver(site.stripe.events())
    finance = site.staff("finance")

    for question in ("", "?show=state:settled", "?show=attention", f"?q={bookings[0].reference}"):
        sums: dict[str, Decimal] = {}
        lines = rows_of(finance.get(f"/finance/bookings.csv{question}"))
        for row in lines:
            sums[row["Currency"]] = sums.get(row["Currency"], Decimal()) + Decimal(row["Received"])
        page = finance.get(f"/finance{question}").text
        assert f"Download as CSV ({len(lines)} booking" in page
        for currency, total in sums.items():
            sign = {"EUR": "€", "JPY": "¥"}[currency]
            assert f"{sign}{total:,}" in page
    assert "$1,190.00" in finance.get("/finance?show=attention:wrong_currency").text
    assert "page=2" in finance.get("/finance").text
    assert bookings[0].reference in finance.get("/finance?page=2").text


def test_what_needs_attention_is_found_and_goes_when_it_is_mended(site: Site) -> None:
    fine, wrong, late = site.place(), site.place(), site.place()
    site.pay(fine)
    site.deliver(site.stripe.events())
    returned = site.pay(wrong, amount_override=5)
    site.deliver(site.stripe.events())
    finance = site.staff("finance")

    page = finance.get("/finance?show=attention").text
    assert wrong.reference in page
    assert "Wrong amount" in page
    assert fine.reference not in page
    assert late.reference not in page

    site.stripe.pull("refund", charge=returned["charge"]["id"])
    site.deliver(site.stripe.events())
    assert wrong.reference not in finance.get("/finance?show=attention").text


def test_a_late_payment_without_seats_is_listed(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    site.hear(expired(placed))
    site.hear(unseated(placed, site))

    page = site.staff("finance").get("/finance?show=attention:refund_due").text

    assert placed.reference in page
    assert "To be returned" in page


def test_who_paid_and_passed_and_still_waits_is_listed_after_four_hours(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    site.deliver(site.stripe.events())
    site.hear(confirmed(placed), assessed(placed, 0, site), assessed(placed, 1, site, eligible=False))
    finance = site.staff("finance")
    site.pass_time(hours=3, minutes=59)
    assert placed.reference not in finance.get("/finance?show=attention").text
    site.pass_time(minutes=1)
    for show in ("attention", "attention:not_submitted"):
        assert placed.reference in finance.get(f"/finance?show={show}").text
    assert "has not been" not in finance.get("/finance").text
    assert "Not submitted" in finance.get(f"/finance/bookings/{placed.booking_id}").text

    site.hear(submitted(placed, 0, site))
    assert placed.reference not in finance.get("/finance?show=attention").text


def test_an_older_verdict_changes_nothing(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    site.deliver(site.stripe.events())
    site.hear(assessed(placed, 0, site, eligible=False, revision=2), assessed(placed, 0, site, revision=1))
    site.pass_time(hours=5)
    assert placed.reference not in site.staff("finance").get("/finance?show=attention").text


def test_a_booking_is_found_by_reference_payer_and_every_id(site: Site) -> None:
    other = site.place()
    placed = site.place(
        person=Payer(payer_name="Grace 100% Hopper", payer_email="grace@navy.mil", locale="en")
    )
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"], amount=100)
    site.stripe.pull("dispute/open", charge=paid["charge"]["id"])
    site.deliver(site.stripe.events())
    (payment,) = site.payments(placed)
    state = site.stripe.state()
    finance = site.staff("finance")

    for words in (
        placed.reference.lower(),
        "hopper",
        "0% H",
        "grace@navy.mil",
        str(payment.stripe_session_id),
        str(payment.stripe_payment_intent_id),
        str(payment.stripe_charge_id),
        state["refund"][0]["id"],
        state["dispute"][0]["id"],
        str(placed.booking_id),
        str(payment.payable_id),
        str(payment.payment_id),
    ):
        page = finance.get("/finance", query_string={"q": words}).text
        assert placed.reference in page, words
        assert other.reference not in page, words
    assert "No booking fits" in finance.get("/finance?q=100_").text


def test_one_bookings_money_is_told_as_a_story(site: Site) -> None:
    placed = site.place()
    site.pay(placed, card="4000000000000002")
    site.stripe.pull("pay", session=site.checkout(placed).stripe_session_id)
    site.deliver(site.stripe.events())
    charge = str(site.payments(placed)[0].stripe_charge_id)
    site.pass_time(minutes=5)
    site.stripe.pull("dispute/open", charge=charge)
    site.pass_time(minutes=5)
    site.stripe.pull("dispute/win", charge=charge)
    site.pass_time(minutes=5)
    site.stripe.pull("refund", charge=charge)
    site.deliver(site.stripe.events())

    page = site.staff("finance").get(f"/finance/bookings/{placed.booking_id}").text

    told = ["Booked", "Payment page, attempt 1", "refused by the bank", "Payment of €1,190.00"]
    told += ["Dispute of €1,190.00", "Dispute won", "Refund of €1,190.00"]
    places = [page.index(text) for text in told]
    assert places == sorted(places)
    assert charge in page
    assert site.staff("finance").get(f"/finance/bookings/{new_id()}").status_code == 404


def test_hostile_names_stay_text(site: Site) -> None:
    placed = site.place(
        workshop_title="<script>alert(1)</script>",
        person=Payer(payer_name="=HYPERLINK(1)", payer_email="+cmd@example.com", locale="en"),
    )
    finance = site.staff("finance")

    (row,) = rows_of(finance.get("/finance/bookings.csv"))
    assert row["Payer"] == "'=HYPERLINK(1)"
    assert row["E-mail"] == "'+cmd@example.com"
    for path in ("/finance", f"/finance/bookings/{placed.booking_id}"):
        assert "<script>alert" not in finance.get(path).text
    assert finance.get("/finance?q=%00'%22%3Cb%3E").status_code == 200
    assert finance.get("/finance?show=nonsense&page=99999").status_code == 200


def test_the_api_lists_payments_and_shows_one(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"], amount=100)
    site.deliver(site.stripe.events())
    finance = site.staff("finance")

    listed = finance.get("/payment/api/payments?state=covering&page_size=1").get_json()
    assert (listed["total"], listed["page"], len(listed["items"])) == (1, 1, 1)
    item = listed["items"][0]
    assert (item["reference"], item["amount_minor"], item["expected_minor"]) == (
        placed.reference,
        119_000,
        119_000,
    )
    shown = finance.get(f"/payment/api/payments/{item['payment_id']}").get_json()
    assert [refund["amount_minor"] for refund in shown["refunds"]] == [100]
    assert shown["disputes"] == []

    assert finance.get(f"/payment/api/payments/{new_id()}").status_code == 404
    problem = finance.get("/payment/api/payments?page_size=0&state=odd")
    assert problem.status_code == 422
    assert problem.content_type == "application/problem+json"
    assert {error["field"] for error in problem.get_json()["errors"]} == {"page_size", "state"}
    assert finance.get("/payment/api/payments?q=nobody").get_json()["items"] == []
    assert "/payment/api/payments" in finance.get("/payment/api/openapi.json").get_json()["paths"]
