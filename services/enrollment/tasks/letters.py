"""Letters about a booking: noted before they are sent, marked afterwards; a repeat sends what is left.

If the process dies between sending and marking, the same letter goes out again with the same Message-ID and
Date, which is how mail programs recognise it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.enrollment import handlers, queries
from services.enrollment.commands import RecordLetter, WantLetters
from services.enrollment.domain import Delivery, Letter, LetterKind
from services.enrollment.domain.booking import Unseated
from services.enrollment.domain.letter import TO_AN_ATTENDEE
from services.enrollment.gateways.mail import LetterRefused, Mailer
from services.enrollment.queries import AttendeeView, BookingPage, LetterFacts
from shared.auth.links import LinkSigner
from shared.contracts.enrollment import BookingConfirmed, BookingPlaced, BookingUnseated
from shared.errors import Permanent
from shared.messaging.tasks import Work
from shared.money import format_money

# The specials of RFC 5322, and what begins and ends an encoded word.
_QUOTED_IN_HEADERS = re.compile(r'[()<>\[\]:;@\\,."=?]')

_REGRETS: Mapping[Unseated, tuple[str, str]] = {
    Unseated.FULL: ("the seats were gone", "by then they were taken by somebody else"),
    Unseated.BEGUN: ("the workshop had begun", "the workshop had already begun"),
    Unseated.CANCELLED: ("the workshop was cancelled", "the workshop had been cancelled"),
}
"""Why a late payment got no seats: for the subject, and for the letter."""


@dataclass(frozen=True, kw_only=True)
class Correspondence:
    """What letters need from the composition root."""

    mailer: Mailer
    sender: Address
    links: LinkSigner
    public_url: str

    def address_of(self, path: str, purpose: str, subject_id: UUID, version: int) -> str:
        """A link that opens without an account."""
        return f"{self.public_url.rstrip('/')}/{path}/{self.links.issue(purpose, subject_id, version)}"


def send_hold_with(correspondence: Correspondence) -> Callable[[BookingPlaced, Work], None]:
    """The task for booking.placed: the payer gets the link at once, for whoever closes the browser unpaid.

    A booking that is told again has new links: they go to everybody who had the old ones.
    """

    def send_hold(event: BookingPlaced, work: Work) -> None:
        renewed = (LetterKind.LINKS_RENEWED, LetterKind.SEAT_LINK_RENEWED)
        kinds = renewed if event.link_version > 1 else (LetterKind.BOOKING_HELD,)
        _send(event.booking_id, kinds, correspondence, work)

    return send_hold


def send_confirmation_with(correspondence: Correspondence) -> Callable[[BookingConfirmed, Work], None]:
    """The task for booking.confirmed: a letter to the payer, and one to each attendee."""

    def send_confirmation(event: BookingConfirmed, work: Work) -> None:
        kinds = (LetterKind.BOOKING_CONFIRMED, LetterKind.SEAT_CONFIRMED)
        _send(event.booking_id, kinds, correspondence, work)

    return send_confirmation


def send_regret_with(correspondence: Correspondence) -> Callable[[BookingUnseated, Work], None]:
    """The task for booking.unseated: the payer learns that the money comes back."""

    def send_regret(event: BookingUnseated, work: Work) -> None:
        _send(event.booking_id, (LetterKind.BOOKING_UNSEATED,), correspondence, work)

    return send_regret


def _send(
    booking_id: UUID, kinds: tuple[LetterKind, ...], correspondence: Correspondence, work: Work
) -> None:
    with work.transaction() as tx:
        letters = handlers.want_letters(WantLetters(booking_id=booking_id, kinds=kinds), tx)
        facts = queries.letter_facts(tx.session, booking_id)
    assert facts is not None
    refused = _send_each(letters, facts, correspondence, work)
    if refused:
        # The others have theirs; this message stays with the operators until the address is mended.
        raise Permanent(f"{refused} of {len(letters)} letters were refused by the recipients' servers")
    with work.completion():
        pass


def _send_each(
    letters: Sequence[Letter], facts: LetterFacts, correspondence: Correspondence, work: Work
) -> int:
    refused = 0
    for letter in letters:
        message = compose(letter, facts, correspondence)
        try:
            correspondence.mailer.send(message)
        except LetterRefused:
            refused += 1
            with work.transaction() as tx:
                handlers.record_letter(RecordLetter(letter_id=letter.letter_id, refused=True), tx)
            continue
        work.checkpoint("after_mail_sent_before_recorded")
        with work.transaction() as tx:
            handlers.record_letter(RecordLetter(letter_id=letter.letter_id), tx)
    return refused


def compose(letter: Letter, facts: LetterFacts, correspondence: Correspondence) -> EmailMessage:
    """The letter as it goes out. Headers are set as parsed addresses: a name cannot add a header."""
    booking = facts.booking
    message = EmailMessage()
    if letter.kind in TO_AN_ATTENDEE:
        attendee = facts.attendees[letter.subject_id]
        write = _to_attendee if letter.kind is LetterKind.SEAT_CONFIRMED else _renewed_for_attendee
        to, subject, lines = write(attendee, booking, correspondence)
    elif letter.kind is LetterKind.BOOKING_CONFIRMED:
        to, subject, lines = _to_payer(booking, correspondence)
    elif letter.kind is LetterKind.BOOKING_HELD:
        to, subject, lines = _while_held(booking, correspondence)
    elif letter.kind is LetterKind.LINKS_RENEWED:
        to, subject, lines = _renewed(booking, correspondence)
    else:
        to, subject, lines = _regret(booking, correspondence)
    message["From"] = correspondence.sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(letter.wanted_at)
    message["Message-ID"] = f"<{letter.letter_id}@{correspondence.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(lines) + "\n")
    return message


def _while_held(booking: BookingPage, correspondence: Correspondence) -> tuple[Address, str, list[str]]:
    link = _booking_link(booking, correspondence)
    amount = format_money(booking.amount_minor, booking.currency, booking.locale)
    seats = "your seat is" if booking.seats == 1 else f"your {booking.seats} seats are"
    until = booking.pay_by.astimezone(ZoneInfo(booking.time_zone))
    lines = [
        f"Hello {booking.payer_name},",
        "",
        f"{seats} held for you, and not paid for yet.",
        "",
        f"Please pay {amount} by {until:%A, %d %B %Y, %H:%M} ({booking.time_zone}).",
        "After that the seats are free for others, and nothing is charged.",
        "",
        "To pay, to ask for more time, or to see how the booking stands:",
        link,
        "",
        *_workshop_lines(booking),
        "",
        "Paid already? Then the confirmation is on its way, and you need not do anything.",
        "Whoever has this link can see the booking. Keep it to yourself.",
    ]
    subject = f"Booking {booking.reference}: held until {until:%H:%M}, not paid yet"
    return _recipient(booking.payer_name, booking.payer_email), subject, lines


def _to_payer(booking: BookingPage, correspondence: Correspondence) -> tuple[Address, str, list[str]]:
    link = _booking_link(booking, correspondence)
    amount = format_money(booking.amount_minor, booking.currency, booking.locale)
    lines = [
        f"Hello {booking.payer_name},",
        "",
        f"your booking {booking.reference} is confirmed.",
        "",
        *_workshop_lines(booking),
        "",
        "Attendees:" if booking.seats > 1 else "Attendee:",
        *(f"  {attendee.full_name}" for attendee in booking.attendees),
        "",
        f"Amount: {amount}" if booking.amount_minor else "There is nothing to pay.",
        "",
        "Your booking, and how far each attendee has come:",
        link,
        "",
        "Whoever has this link can see the booking. Keep it to yourself.",
    ]
    subject = f"Booking {booking.reference} confirmed: {booking.workshop_title}"
    return _recipient(booking.payer_name, booking.payer_email), subject, lines


def _to_attendee(
    attendee: AttendeeView, booking: BookingPage, correspondence: Correspondence
) -> tuple[Address, str, list[str]]:
    lines = [
        f"Hello {attendee.given_name},",
        "",
        f"you have a seat in this workshop ({booking.course_name}):",
        "",
        *_workshop_lines(booking),
        *(["", "Join online:", booking.join_link] if booking.join_link else []),
        "",
        f"Your name goes to the Scrum Alliance as: {attendee.full_name}",
        f"Your Scrum Alliance account: {attendee.registry_email}",
        "If one of them is wrong, tell whoever booked your seat.",
        "",
        *_certificate_lines(attendee, correspondence),
    ]
    return _recipient(attendee.full_name, attendee.email), f"Your seat: {booking.workshop_title}", lines


def _regret(booking: BookingPage, correspondence: Correspondence) -> tuple[Address, str, list[str]]:
    because, instead = _REGRETS[booking.unseated_reason]
    link = _booking_link(booking, correspondence)
    amount = format_money(booking.amount_minor, booking.currency, booking.locale)
    lines = [
        f"Hello {booking.payer_name},",
        "",
        f"your payment for booking {booking.reference} ({booking.workshop_title}) reached us after the",
        f"seats had been given back, and {instead}.",
        "",
        f"You get {amount} back, the whole amount, in the way you paid. You need not do anything.",
        "",
        "Your booking:",
        link,
    ]
    subject = f"Booking {booking.reference}: {because}, your money comes back"
    return _recipient(booking.payer_name, booking.payer_email), subject, lines


def _renewed(booking: BookingPage, correspondence: Correspondence) -> tuple[Address, str, list[str]]:
    link = _booking_link(booking, correspondence)
    lines = [
        f"Hello {booking.payer_name},",
        "",
        f"the links of your booking {booking.reference} ({booking.workshop_title}) were replaced.",
        "The old ones do not work any more. Nothing else has changed.",
        "",
        "Your booking:",
        link,
        "",
        "Whoever has this link can see the booking. Keep it to yourself.",
    ]
    subject = f"Booking {booking.reference}: a new link"
    return _recipient(booking.payer_name, booking.payer_email), subject, lines


def _renewed_for_attendee(
    attendee: AttendeeView, booking: BookingPage, correspondence: Correspondence
) -> tuple[Address, str, list[str]]:
    lines = [
        f"Hello {attendee.given_name},",
        "",
        f"your link for {booking.workshop_title} was replaced.",
        "The old one does not work any more. Nothing else has changed.",
        "",
        *_certificate_lines(attendee, correspondence),
    ]
    return _recipient(attendee.full_name, attendee.email), f"A new link: {booking.workshop_title}", lines


def _booking_link(booking: BookingPage, correspondence: Correspondence) -> str:
    return correspondence.address_of("bookings", "booking", booking.booking_id, booking.link_version)


def _certificate_lines(attendee: AttendeeView, correspondence: Correspondence) -> list[str]:
    link = correspondence.address_of(
        "certificates", "certificate", attendee.enrollment_id, attendee.link_version
    )
    return ["Where is my certificate? This page always tells:", link]


def _workshop_lines(booking: BookingPage) -> list[str]:
    zone = ZoneInfo(booking.time_zone)
    lines = [booking.workshop_title, f"Trainer: {booking.trainer_name}"]
    lines += [f"  {_span(block.starts_at, block.ends_at, zone)}" for block in booking.blocks]
    lines.append(f"All times are in {booking.time_zone}.")
    lines.append(f"Venue: {booking.venue}" if booking.delivery is Delivery.IN_PERSON else "Live online.")
    return lines


def _span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%A, %d %B %Y, %H:%M}"
    return f"{start:%A, %d %B %Y, %H:%M} to {last}"


def _recipient(name: str, email: str) -> Address:
    """Whom a letter is for. In the header a name goes without the signs that would have to be quoted.

    Python's folding of a long header loses the quotes, and what they kept together reads as more addresses.
    """
    return Address(" ".join(_QUOTED_IN_HEADERS.sub(" ", name).split()), addr_spec=email)
