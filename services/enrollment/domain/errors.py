"""What can go wrong in enrollment, in its own words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from shared.errors import Conflict, Forbidden, Invalid, NotFound


class UnknownWorkshop(NotFound):
    """No published workshop has this id."""

    def __init__(self) -> None:
        super().__init__(
            "unknown_workshop", "There is no such workshop. Choose one from the list of workshops."
        )


class WorkshopFull(Conflict):
    """Fewer seats are free than were asked for. `seats_left` is what was free at that moment."""

    def __init__(self, seats_left: int) -> None:
        self.seats_left = seats_left
        if seats_left <= 0:
            text = "This workshop is full. Choose another date."
        elif seats_left == 1:
            text = "Only 1 seat is left. Book 1 seat, or choose another date."
        else:
            text = f"Only {seats_left} seats are left. Book fewer seats, or choose another date."
        super().__init__("workshop_full", text)


class BookingClosed(Conflict):
    """The workshop takes no bookings: it has begun, is over, or was cancelled."""

    def __init__(self, why: str) -> None:
        super().__init__("booking_closed", f"{why} Choose another date.")


class PriceChanged(Conflict):
    """The price is not the one the buyer was shown."""

    def __init__(self) -> None:
        super().__init__(
            "price_changed", "The price has changed since you saw it. Look at the new price, then book again."
        )


class HoldOver(Conflict):
    """The seats are not held: paid, given back, or about to be."""

    def __init__(self) -> None:
        super().__init__("hold_over", "These seats are not held any more, so no time can be added.")


class PaymentPageOpen(Conflict):
    """The payment page is open, and its end is set."""

    def __init__(self) -> None:
        super().__init__(
            "payment_page_open",
            "The payment page is open, and its time cannot be changed. Pay there, or wait until it has closed.",
        )


class PaymentUnderReview(Conflict):
    """Money came that is not what was asked: more time to pay would invite a second payment."""

    def __init__(self) -> None:
        super().__init__("payment_under_review", "We are checking your payment. You need not do anything.")


class NoMoreExtensions(Conflict):
    """The payer has asked for more time as often as is allowed."""

    def __init__(self, most: int) -> None:
        times = "once" if most == 1 else f"{most} times"
        super().__init__(
            "no_more_extensions", f"You have had more time {times}, which is the most. Please pay now."
        )


class ScheduleTooShort(Conflict):
    """The blocks hold fewer contact minutes than the course requires."""

    def __init__(self, *, contact_minutes: int, required_minutes: int, course_code: str) -> None:
        self.missing_minutes = required_minutes - contact_minutes
        one = self.missing_minutes == 1
        missing = "1 minute is missing" if one else f"{self.missing_minutes} minutes are missing"
        super().__init__(
            "schedule_too_short",
            f"The blocks add up to {contact_minutes} contact minutes without breaks, but {course_code} "
            f"requires {required_minutes}: {missing}. Lengthen a block.",
        )


class NotYourWorkshop(Forbidden):
    """Only the workshop's own trainer may do this."""

    def __init__(self) -> None:
        super().__init__(
            "not_your_workshop",
            "Only the trainer of this workshop may record, decide or release its results.",
        )


class WrongWorkshopState(Conflict):
    """The workshop is in a state in which this is not possible."""

    def __init__(self, detail: str) -> None:
        super().__init__("wrong_workshop_state", detail)


class NotOverYet(Conflict):
    """The last block has not ended."""

    def __init__(self, ends_at: datetime) -> None:
        self.ends_at = ends_at
        super().__init__(
            "workshop_not_over",
            f"The last block ends at {ends_at:%Y-%m-%d %H:%M} UTC. Complete the workshop after that.",
        )


class RosterIncomplete(Conflict):
    """Some confirmed attendee lacks minutes of a block or a decision.

    The texts name nobody (errors are logged); `missing` and `fields` go by enrollment id.
    """

    def __init__(self, missing: Mapping[UUID, Sequence[str]]) -> None:
        self.missing = {enrollment_id: tuple(texts) for enrollment_id, texts in missing.items()}
        people = "1 attendee is" if len(missing) == 1 else f"{len(missing)} attendees are"
        super().__init__(
            "roster_incomplete",
            f"{people} not complete. Record the minutes of every block and both decisions, then try again.",
            fields={str(enrollment_id): list(texts) for enrollment_id, texts in missing.items()},
        )


class AlreadySubmitted(Conflict):
    """The attendee's name has gone to the Scrum Alliance: the assessment cannot change any more."""

    def __init__(self) -> None:
        super().__init__(
            "already_submitted",
            "This attendee's name has already been submitted to the Scrum Alliance. "
            "Ask the office to correct it there.",
        )


class BadMinutes(Invalid):
    """Minutes outside 0 … the block's contact minutes, or for a block or person of another workshop."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("bad_minutes", "Correct the minutes that are marked.", fields=fields)
