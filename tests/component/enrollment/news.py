"""People who book, and what payment says about their bookings."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.enrollment.domain.people import AttendeeDetails
from services.enrollment.handlers import PlacedBooking
from shared.contracts.payment import CheckoutOpened, CoverageFact, PaymentConfirmed

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


def attendee(index: int) -> AttendeeDetails:
    """One of many people."""
    return AttendeeDetails(
        given_name=f"Given{index}",
        family_name=f"Family{index}",
        email=f"person{index}@example.com",
        registry_email=f"person{index}@registry.example.com",
    )


def paid(placed: PlacedBooking, *, at: datetime = START, payment_id: UUID | None = None) -> PaymentConfirmed:
    """Payment's word that the booking is paid."""
    return PaymentConfirmed(
        payment_id=payment_id or uuid4(),
        payable_id=placed.booking_id,
        booking_id=placed.booking_id,
        amount_minor=placed.amount_minor,
        currency=placed.currency,
        occurred_at=at,
        coverage=tuple(
            CoverageFact(enrollment_id=enrollment_id, revision=1, state="covered")
            for enrollment_id in placed.enrollment_ids
        ),
    )


def opened(placed: PlacedBooking, expires_at: datetime) -> CheckoutOpened:
    """Payment's word that the payer reached the payment page."""
    return CheckoutOpened(payable_id=placed.booking_id, booking_id=placed.booking_id, expires_at=expires_at)
