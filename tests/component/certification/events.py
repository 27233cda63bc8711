"""Events about one enrollment, sensible by default."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from shared.contracts.enrollment import (
    Attendee,
    BookingConfirmed,
    BookingExpired,
    BookingPlaced,
    ConfirmedSeat,
    EnrollmentAssessed,
    LostSeat,
    Payer,
    PlacedSeat,
)
from shared.contracts.payment import (
    CoverageFact,
    DisputeClosed,
    PaymentConfirmed,
    PaymentDisputed,
    PaymentRefunded,
)
from shared.messaging.event import Event
from tests.component.certification.line import START

TRAINER = UUID("018f0000-0000-7000-8000-00000000000a")


class Story:
    """One enrollment's events, always the same ids; revisions as their owners would count them."""

    def __init__(self, *, course_code: str = "CSPO", at: datetime = START) -> None:
        self.enrollment_id, self.booking_id, self.workshop_id = uuid4(), uuid4(), uuid4()
        self.payment_id, self.payable_id = uuid4(), uuid4()
        self.course_code, self.at = course_code, at

    def placed(self, link_version: int = 1) -> BookingPlaced:
        """A seat is held."""
        return BookingPlaced(
            booking_id=self.booking_id,
            reference="R-7KQ2M",
            workshop_id=self.workshop_id,
            workshop_title="Product Owner, spring",
            course_code=self.course_code,
            time_zone="America/Toronto",
            currency="EUR",
            amount_minor=95000,
            pay_by=self.at + timedelta(minutes=30),
            link_version=1,
            seats=(
                PlacedSeat(enrollment_id=self.enrollment_id, amount_minor=95000, link_version=link_version),
            ),
            person=Payer(payer_name="Pia Payer", payer_email="pia@example.com", locale="en"),
        )

    def confirmed(self, revision: int = 1, **person: str) -> BookingConfirmed:
        """The seat is kept."""
        attendee: dict[str, str] = {
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": "ada@example.com",
            "registry_email": "ada@home.example",
            **person,
        }
        return BookingConfirmed(
            booking_id=self.booking_id,
            workshop_id=self.workshop_id,
            course_code=self.course_code,
            seats=(
                ConfirmedSeat(
                    enrollment_id=self.enrollment_id, revision=revision, person=Attendee(**attendee)
                ),
            ),
        )

    def expired(self, revision: int = 2) -> BookingExpired:
        """The seat is not kept."""
        return BookingExpired(
            booking_id=self.booking_id,
            reason="hold_ended",
            seats=(LostSeat(enrollment_id=self.enrollment_id, revision=revision),),
        )

    def assessed(
        self, revision: int = 1, *, eligible: bool = True, minutes: int = 840, **more: Any
    ) -> EnrollmentAssessed:
        """The trainer's verdict."""
        values: dict[str, Any] = {
            "participation": eligible,
            "understanding": eligible,
            "reasons": () if eligible else ("participation_missing", "understanding_missing"),
            **more,
        }
        return EnrollmentAssessed(
            enrollment_id=self.enrollment_id,
            booking_id=self.booking_id,
            workshop_id=self.workshop_id,
            course_code=self.course_code,
            revision=revision,
            attended_minutes=minutes,
            required_minutes=840,
            eligible=eligible,
            released_by=TRAINER,
            assessed_at=self.at,
            **values,
        )

    def paid(self, revision: int = 1) -> PaymentConfirmed:
        """The money is there."""
        return PaymentConfirmed(**self._money(), coverage=self._covers(revision, "covered"))

    def refunded(self, revision: int = 2) -> PaymentRefunded:
        """The money went back."""
        return PaymentRefunded(
            **self._money(), refund_id=self.payment_id, coverage=self._covers(revision, "uncovered")
        )

    def disputed(self, revision: int = 2) -> PaymentDisputed:
        """The bank asks."""
        return PaymentDisputed(
            **self._money(), dispute_id=self.payment_id, coverage=self._covers(revision, "frozen")
        )

    def dispute_won(self, revision: int = 3) -> DisputeClosed:
        """The bank decides for the payment."""
        return DisputeClosed(
            **self._money(),
            dispute_id=self.payment_id,
            outcome="won",
            coverage=self._covers(revision, "covered"),
        )

    def all_good(self) -> tuple[Event, ...]:
        """Everything an activation needs."""
        return self.placed(), self.confirmed(), self.paid(), self.assessed()

    def _money(self) -> dict[str, Any]:
        return {
            "payment_id": self.payment_id,
            "payable_id": self.payable_id,
            "booking_id": self.booking_id,
            "amount_minor": 95000,
            "currency": "EUR",
            "occurred_at": self.at,
        }

    def _covers(
        self, revision: int, state: Literal["covered", "uncovered", "frozen"]
    ) -> tuple[CoverageFact, ...]:
        return (CoverageFact(enrollment_id=self.enrollment_id, revision=revision, state=state),)
