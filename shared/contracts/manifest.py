"""Queue → event types: what each service reads. A test compares it with every `subscriptions.py`."""

from shared.contracts import certification as c
from shared.contracts import enrollment as e
from shared.contracts import payment as p
from shared.messaging.bus import Manifest

_STAFF = {e.StaffSessionEnded, e.StaffChanged}

MANIFEST = Manifest(
    subscriptions={
        "enrollment": frozenset(
            event.TYPE
            for event in (
                e.BookingConfirmed,
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
            )
        ),
        "payment": frozenset(
            event.TYPE
            for event in (
                e.BookingPlaced,
                e.BookingConfirmed,
                e.BookingExpired,
                e.BookingUnseated,
                e.EnrollmentAssessed,
                c.MembershipSubmitted,
                *_STAFF,
            )
        ),
        "certification": frozenset(
            event.TYPE
            for event in (
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
            )
        ),
    }
)
