"""Queue → event types: what each service reads. A test compares it with every `subscriptions.py`."""

from shared.contracts import certification as c
from shared.contracts import enrollment as e
from shared.contracts import payment as p
from shared.messaging.bus import Manifest
from shared.messaging.event import Event

_STAFF: tuple[type[Event], ...] = (e.StaffSessionEnded, e.StaffChanged)


def _types(*events: type[Event]) -> frozenset[str]:
    return frozenset(event.TYPE for event in events)


MANIFEST = Manifest(
    subscriptions={
        "enrollment": _types(
            e.BookingPlaced,
            e.BookingConfirmed,
            e.BookingUnseated,
            p.CheckoutOpened,
            p.PaymentConfirmed,
            p.PaymentRefunded,
            p.PaymentDisputed,
            p.DisputeClosed,
            p.PaymentFailed,
            p.PaymentExpired,
            c.MembershipActivationRequested,
            c.MembershipSubmitted,
            c.MembershipActivated,
            c.MembershipActivationFailed,
            c.CertificateIssued,
            c.CertificateHeld,
        ),
        "payment": _types(
            e.BookingPlaced,
            e.BookingExtended,
            e.BookingConfirmed,
            e.BookingExpired,
            e.BookingUnseated,
            e.EnrollmentAssessed,
            c.MembershipSubmitted,
            *_STAFF,
        ),
        "certification": _types(
            e.BookingPlaced,
            e.BookingConfirmed,
            e.BookingExpired,
            e.BookingUnseated,
            e.EnrollmentAssessed,
            e.WorkshopCompleted,
            p.PaymentConfirmed,
            p.PaymentRefunded,
            p.PaymentDisputed,
            p.DisputeClosed,
            c.MembershipActivationRequested,
            *_STAFF,
        ),
    }
)
