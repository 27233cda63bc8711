"""Says in four words what a run did: lost, duplicated, unexpected, recovered. Reads facts only."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.journeys import Party
from tests.chaos.truth import BookingTruth, SeatTruth, Truth


@dataclass(kw_only=True)
class Verdict:
    """Each word with what it says of whom; `recovered` is what was hit and ended right all the same."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    recovered_bookings: int = 0
    recovered_messages: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, done twice, or happened that nobody asked for."""
        return not (self.lost or self.duplicated or self.unexpected)

    def counts(self) -> dict[str, int]:
        """The four words with their numbers."""
        return {
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
            "unexpected": len(self.unexpected),
            "recovered": self.recovered_bookings + self.recovered_messages,
        }


def check(parties: Sequence[Party], truth: Truth, *, strange: Sequence[str] = ()) -> Verdict:
    """Compare what people did with what is so."""
    verdict = Verdict(unexpected=list(strange))
    _check_parties(parties, truth, verdict)
    _check_messages(truth, verdict)
    verdict.unexpected += [f"a charge for {reference}" for reference in truth.unknown_charges]
    verdict.unexpected += [f"a submission for {reference}" for reference in truth.unknown_submissions]
    verdict.unexpected += truth.unknown_effects
    verdict.unexpected += truth.seat_differences
    return verdict


def _check_parties(parties: Sequence[Party], truth: Truth, verdict: Verdict) -> None:
    bookings: dict[str, list[BookingTruth]] = defaultdict(list)
    for booking in truth.bookings:
        bookings[booking.payer_email].append(booking)
    seats: dict[object, list[SeatTruth]] = defaultdict(list)
    for seat in truth.seats:
        seats[seat.booking_id].append(seat)
    for party in parties:
        own = bookings.pop(party.payer_email, [])
        before = verdict.counts()
        _check_party(party, own, verdict)
        for booking in own:
            _check_booking(party, booking, seats[booking.booking_id], verdict)
        if party.troubles and verdict.counts() == before:
            verdict.recovered_bookings += 1
    for email, strangers in bookings.items():
        verdict.unexpected += [f"booking {booking.booking_id} of {email}" for booking in strangers]


def _check_party(party: Party, own: Sequence[BookingTruth], verdict: Verdict) -> None:
    who = f"booking {party.number}"
    if party.gave_up:
        verdict.lost.append(f"{who}: patience was over: {party.gave_up}")
    if not own and (party.booking_id or party.pay_url):
        verdict.lost.append(f"{who}: answered, and not in the database")
    elif party.booking_id and party.booking_id not in [booking.booking_id for booking in own]:
        verdict.lost.append(f"{who}: the booking that was answered is not the one in the database")
    if len(own) > 1:
        verdict.duplicated.append(f"{who}: {len(own)} bookings")


def _check_booking(party: Party, booking: BookingTruth, seats: Sequence[SeatTruth], verdict: Verdict) -> None:
    who = f"booking {party.number} ({booking.booking_id})"
    if booking.charges > 1:
        verdict.duplicated.append(f"{who}: charged {booking.charges} times")
    if booking.payments > 1:
        verdict.duplicated.append(f"{who}: {booking.payments} payments in the books")
    if len(seats) != party.seats:
        verdict.unexpected.append(f"{who}: {len(seats)} seats for {party.seats} people")
    if party.paid:
        if booking.charges == 0:
            verdict.lost.append(f"{who}: paid, and Stripe has no charge")
        if booking.payments == 0:
            verdict.lost.append(f"{who}: paid, and no payment in the books")
        if booking.state != "confirmed":
            verdict.lost.append(f"{who}: paid, and {booking.state}")
        if booking.account != "settled":
            verdict.lost.append(f"{who}: paid, and its account is {booking.account or 'not there'}")
    else:
        if booking.charges or booking.payments:
            verdict.unexpected.append(f"{who}: nobody paid, and there is money")
        if booking.state != "expired":
            verdict.unexpected.append(f"{who}: nobody paid, and it is {booking.state}")
    for seat in seats:
        for word, text in _complaints(seat, paid=party.paid):
            getattr(verdict, word).append(f"{who}, seat {seat.enrollment_id}: {text}")


def _complaints(seat: SeatTruth, *, paid: bool) -> Iterator[tuple[str, str]]:
    if seat.accepted > 1:
        yield "duplicated", f"the Scrum Alliance accepted the name {seat.accepted} times"
    if seat.certificates > 1:
        yield "duplicated", f"{seat.certificates} certificates"
    if not paid:
        if seat.accepted or seat.certificates:
            yield "unexpected", "nobody paid, and the name was submitted"
        if seat.seat != "lost":
            yield "unexpected", f"nobody paid, and the seat is {seat.seat}"
        return
    if seat.accepted == 0:
        yield "lost", f"the name was never submitted (activation {seat.activation or 'unknown'})"
    elif seat.activation != "activated":
        yield "lost", f"accepted and activated there, and {seat.activation} here"
    elif seat.certificates == 0:
        yield "lost", "activated, and no certificate"
    elif not seat.shown_active:
        yield "lost", "activated, and the booking page does not know"


def _check_messages(truth: Truth, verdict: Verdict) -> None:
    verdict.lost += [f"never published: {told}" for told in truth.unpublished]
    verdict.lost += [f"never handled: {told}" for told in truth.unhandled]
    verdict.unexpected += [f"dead: {told}" for told in truth.dead]
    for message in truth.messages:
        told = f"{message.type} {message.message_id} at {message.reader}"
        if message.effects == 0:
            verdict.lost.append(f"never took effect: {told}")
        elif message.effects > 1:
            verdict.duplicated.append(f"took effect {message.effects} times: {told}")
        elif message.troubled:
            verdict.recovered_messages += 1


def kinds(entries: Sequence[str]) -> dict[str, int]:
    """The entries by what they say, without the ids: a run's report must fit on a screen."""
    return dict(Counter(entry.split(": ")[-1 if entry.startswith("booking") else 0] for entry in entries))
