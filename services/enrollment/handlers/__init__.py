"""One function per command, its snake_case name; inside a transaction, never the network."""

from services.enrollment.handlers.assessments import (
    complete_workshop,
    correct_assessment,
    mark_everyone_present,
    record_attendance,
    record_decisions,
)
from services.enrollment.handlers.bookings import (
    PlacedBooking,
    confirm_booking,
    place_booking,
    record_payment_problem,
)
from services.enrollment.handlers.holds import end_hold, extend_hold, keep_seats_longer
from services.enrollment.handlers.letters import record_letter, want_letters
from services.enrollment.handlers.links import renew_links
from services.enrollment.handlers.progress import record_certificate, record_coverage, record_membership
from services.enrollment.handlers.staff import (
    accredit_trainer,
    add_staff,
    admit_login,
    change_roles,
    close_staff,
    confirm_login,
    end_session,
    forget_logins,
    set_password,
)
from services.enrollment.handlers.workshops import (
    cancel_workshop,
    create_workshop,
    ensure_courses,
    mend_seats,
    publish_workshop,
)

__all__ = [
    "PlacedBooking",
    "accredit_trainer",
    "add_staff",
    "admit_login",
    "cancel_workshop",
    "change_roles",
    "close_staff",
    "complete_workshop",
    "confirm_booking",
    "confirm_login",
    "correct_assessment",
    "create_workshop",
    "end_hold",
    "end_session",
    "ensure_courses",
    "extend_hold",
    "forget_logins",
    "keep_seats_longer",
    "mark_everyone_present",
    "mend_seats",
    "place_booking",
    "publish_workshop",
    "record_attendance",
    "record_certificate",
    "record_coverage",
    "record_decisions",
    "record_letter",
    "record_membership",
    "record_payment_problem",
    "renew_links",
    "set_password",
    "want_letters",
]
