"""Events published by certification: the activation of the membership, and the certificate."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.contracts.registry import REGISTRY
from shared.messaging.event import Event


@REGISTRY.event(
    "membership.activation_requested.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class MembershipActivationRequested(Event):
    """Seat, money and assessment came together for the first time: the name is to be submitted, once."""

    enrollment_id: UUID
    booking_id: UUID
    activation_id: UUID
    submission_revision: int
    course_code: str
    occurred_at: datetime


@REGISTRY.event(
    "membership.submitted.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class MembershipSubmitted(Event):
    """The Scrum Alliance accepted the name."""

    enrollment_id: UUID
    booking_id: UUID
    activation_id: UUID
    course_code: str
    occurred_at: datetime


@REGISTRY.event(
    "membership.activated.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class MembershipActivated(Event):
    """The attendee activated the membership at the Scrum Alliance."""

    enrollment_id: UUID
    booking_id: UUID
    activation_id: UUID
    course_code: str
    occurred_at: datetime


@REGISTRY.event(
    "membership.activation_failed.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class MembershipActivationFailed(Event):
    """The Scrum Alliance refused the name; `reason` is a code. Somebody has to correct it."""

    enrollment_id: UUID
    booking_id: UUID
    activation_id: UUID
    course_code: str
    occurred_at: datetime
    reason: str


@REGISTRY.event(
    "certificate.issued.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class CertificateIssued(Event):
    """The certification holds from `issued_on` until two calendar years later (ISO dates)."""

    enrollment_id: UUID
    booking_id: UUID
    certificate_id: UUID
    course_code: str
    occurred_at: datetime
    issued_on: date
    expires_on: date


@REGISTRY.event(
    "certificate.held.v1",
    publisher="certification",
    aggregate="enrollment",
    key="enrollment_id",
)
@dataclass(frozen=True, kw_only=True)
class CertificateHeld(Event):
    """The name had been submitted when payment, seat or result fell away: staff must look. `reason` is a code."""

    enrollment_id: UUID
    booking_id: UUID
    activation_id: UUID
    course_code: str
    occurred_at: datetime
    reason: str
