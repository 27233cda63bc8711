"""An account's own answers."""

from datetime import UTC, datetime
from uuid import uuid4

from services.payment.domain import AccountState, BookingAccount
from services.payment.domain.account import STATE_REASONS

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_a_hold_that_ended_closes_unless_a_late_payment_brought_the_seats_back() -> None:
    closed = [
        BookingAccount(booking_id=uuid4(), expired_at=expired, confirmed_at=confirmed).closed
        for expired, confirmed in ((None, None), (None, NOW), (NOW, None), (NOW, NOW))
    ]
    assert closed == [False, False, True, False]


def test_attention_is_a_list_of_codes() -> None:
    for attention, codes in (("", ()), ("wrong_amount duplicate", ("wrong_amount", "duplicate"))):
        assert BookingAccount(booking_id=uuid4(), attention=attention).attention_codes == codes


def test_every_state_has_a_reason() -> None:
    assert set(STATE_REASONS) == set(AccountState)
