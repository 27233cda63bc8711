"""What Stripe is asked is what is owed, in words Stripe knows."""

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from stripe.params.checkout import SessionCreateParams

from services.payment.domain import BookingAccount, Payable, PayableSeat, session_parameters

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def request_for(shares: list[int], amount: int) -> dict[str, object]:
    """The parameters for a payable with these shares."""
    account = BookingAccount(
        booking_id=uuid4(),
        reference="R-1",
        workshop_title="CSPO",
        time_zone="Europe/Berlin",
        currency="EUR",
        payer_email="ada@example.com",
    )
    payable = Payable(
        booking_id=account.booking_id, currency="EUR", amount_minor=amount, pay_by=NOW, opened_at=NOW
    )
    payable.seats = [
        PayableSeat(payable_id=payable.payable_id, enrollment_id=uuid4(), amount_minor=share)
        for share in shares
    ]
    return dict(
        session_parameters(account, payable, attempt=3, expires_at=NOW, public_url="https://shop.example/")
    )


@given(shares=st.lists(st.integers(0, 200_000), min_size=1, max_size=12), off=st.sampled_from([0, 0, 1, 500]))
def test_the_lines_always_add_up_to_the_payable(shares: list[int], off: int) -> None:
    amount = sum(shares) + off
    if amount == 0:
        return
    lines = request_for(shares, amount)["line_items"]
    assert isinstance(lines, list)
    assert sum(line["quantity"] * line["price_data"]["unit_amount"] for line in lines) == amount


def test_every_parameter_is_one_of_stripes() -> None:
    assert set(request_for([100], 100)) <= set(SessionCreateParams.__annotations__)


def test_the_page_says_until_when_it_can_be_paid() -> None:
    asked = request_for([100], 100)
    assert asked["custom_text"] == {
        "submit": {
            "message": "Your seat is held while you pay, until 02 November 2026, 10:00 (Europe/Berlin)."
        }
    }


def test_addresses_carry_no_token_and_metadata_is_on_session_and_intent() -> None:
    asked = request_for([100], 100)
    assert asked["success_url"] == "https://shop.example/pay/return/{CHECKOUT_SESSION_ID}"
    assert asked["cancel_url"] == "https://shop.example/pay/cancelled"
    assert asked["payment_intent_data"] == {"metadata": asked["metadata"]}
