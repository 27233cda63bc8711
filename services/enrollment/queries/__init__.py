"""What readers want to know: one question per function, answered with frozen rows ready to be shown."""

from services.enrollment.queries.bookings import (
    AttendeeView,
    BookingPage,
    LetterFacts,
    booking_link_version,
    booking_page,
    letter_facts,
)
from services.enrollment.queries.catalogue import (
    BlockView,
    CatalogueEntry,
    CourseRow,
    Offer,
    RunningWorkshop,
    WorkshopPage,
    catalogue,
    catalogue_entries,
    courses,
    next_to_end,
    offers,
    workshop_page,
)
from services.enrollment.queries.checks import SeatDifference, seat_differences
from services.enrollment.queries.roster import (
    DecisionView,
    Roster,
    RosterEntry,
    TrainerWorkshop,
    roster,
    trainer_workshops,
)
from services.enrollment.queries.staff import StaffAccount, StaffRow, account_by_email, staff_list

__all__ = [
    "AttendeeView",
    "BlockView",
    "BookingPage",
    "CatalogueEntry",
    "CourseRow",
    "DecisionView",
    "LetterFacts",
    "Offer",
    "Roster",
    "RosterEntry",
    "RunningWorkshop",
    "SeatDifference",
    "StaffAccount",
    "StaffRow",
    "TrainerWorkshop",
    "WorkshopPage",
    "account_by_email",
    "booking_link_version",
    "booking_page",
    "catalogue",
    "catalogue_entries",
    "courses",
    "letter_facts",
    "next_to_end",
    "offers",
    "roster",
    "seat_differences",
    "staff_list",
    "trainer_workshops",
    "workshop_page",
]
