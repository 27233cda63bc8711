"""Where a booking's links lead. Enrollment is the only service that issues them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.service import Service


@dataclass(frozen=True, kw_only=True)
class BookingLinks:
    """The links of one booking: to see it and to pay it."""

    booking_token: str
    booking_url: str
    pay_token: str
    pay_url: str


def booking_links(service: Service, booking_id: UUID, link_version: int) -> BookingLinks:
    """The links of a booking."""
    booking_token = service.links.issue("booking", booking_id, link_version)
    pay_token = service.links.issue("pay", booking_id, link_version)
    return BookingLinks(
        booking_token=booking_token,
        booking_url=_absolute(service, f"/bookings/{booking_token}"),
        pay_token=pay_token,
        pay_url=_absolute(service, f"/pay/{pay_token}"),
    )


def certificate_urls(service: Service, enrollments: Sequence[tuple[UUID, int]]) -> dict[UUID, str]:
    """Where each attendee reads what became of their certificate; pairs of enrollment id and link version."""
    return {
        enrollment_id: _absolute(
            service, f"/certificates/{service.links.issue('certificate', enrollment_id, link_version)}"
        )
        for enrollment_id, link_version in enrollments
    }


def _absolute(service: Service, path: str) -> str:
    return f"{service.settings.public_url.rstrip('/')}{path}"
