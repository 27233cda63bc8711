"""How a play ends: everything settles, and the databases and the sandboxes are compared with what was done."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from services.certification.domain.activation import activation_id_of
from services.certification.domain.join import Join
from services.certification.domain.submission import reference_of
from services.enrollment.domain import Booking, BookingState, Enrollment, SeatState, Workshop
from services.enrollment.domain.enrollment import LIVE_SEATS
from services.enrollment.queries import seat_differences
from services.payment.domain import BookingAccount
from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox, outbox
from shared.db.moment import moment
from tests.support.play import CAPACITY, Play

_MOST_ROUNDS = 60


class Outcome:
    """Judges one play."""

    def __init__(self, play: Play) -> None:
        self.play = play

    def settle(self) -> None:
        """Everything that waits happens: messages, webhooks, timers, retries; trouble that waits happens too."""
        self.play.site.clock.advance(timedelta(minutes=90))
        for _ in range(_MOST_ROUNDS):
            self.play.deliver_webhooks()
            self.play.site.tick()
            self._retry()
            if not self.play.site.unfinished() and not self._outboxes_wait():
                break
        self.play.site.tick()

    def _retry(self) -> None:
        for service in self.play.site.services.values():
            with write_connection(service.engine) as connection:
                waiting = update(inbox).where(inbox.c.state.in_(["failed", "received"]))
                connection.execute(waiting.values(next_attempt_at=moment()))
        self.play.site.carry()

    def _outboxes_wait(self) -> bool:
        for service in self.play.site.services.values():
            with read_connection(service.engine) as connection:
                if connection.execute(
                    select(outbox.c.seq).where(outbox.c.published_at.is_(None)).limit(1)
                ).first():
                    return True
        return False

    def accepted(self, enrollment_id: UUID) -> int:
        """How often the Scrum Alliance accepted this attendee's name."""
        reference = reference_of(activation_id_of(enrollment_id), 1)
        references = self.play.site.registry.counters()["references"]
        return int(references.get(str(reference), {}).get("accepted", 0))

    def check_always(self) -> None:
        """What holds after every step."""
        with self.play.enrollment.transactions.read() as session:
            workshop = session.get(Workshop, self.play.workshop_id)
            assert workshop is not None
            assert 0 <= workshop.reserved <= CAPACITY
            # Of its own workshop only: there are hundreds on this site by and by.
            live = select(func.count()).where(
                Enrollment.workshop_id == self.play.workshop_id, Enrollment.seat.in_(LIVE_SEATS)
            )
            assert workshop.reserved == session.scalar(live)

    def check_end(self) -> None:
        """What holds when everything has come to an end."""
        assert self.play.site.unfinished() == []
        with (
            self.play.enrollment.transactions.read() as ours,
            self.play.site.services["payment"].transactions.read() as money,
            self.play.site.services["certification"].transactions.read() as certificates,
        ):
            assert not seat_differences(ours)
            for booking_id in self.play.bookings:
                booking = ours.get(Booking, booking_id)
                account = money.get(BookingAccount, booking_id)
                assert booking is not None
                assert account is not None
                assert booking.state is not BookingState.HELD, "every hold ends"
                self._check_money(booking_id, booking, account)
            for enrollment_id, booking_id in self.play.enrollments.items():
                enrollment = ours.get(Enrollment, enrollment_id)
                join = certificates.get(Join, enrollment_id)
                assert enrollment is not None
                assert join is not None
                self._check_membership(enrollment_id, booking_id, enrollment, join)

    def _check_money(self, booking_id: UUID, booking: Booking, account: BookingAccount) -> None:
        charges = self.play.charges_of(booking_id)
        assert len(charges) <= 1, "nobody pays twice"
        paid = sum(charge["amount"] - charge["amount_refunded"] for charge in charges)
        lost = paid if self.play.disputed.get(booking_id) == "lose" else 0
        if self.play.disputed.get(booking_id) != "open":
            assert account.received_minor == paid - lost, "the books hold what Stripe holds"
        if charges:
            assert booking.state in (BookingState.CONFIRMED, BookingState.UNSEATED), "money is never ignored"

    def _check_membership(
        self, enrollment_id: UUID, booking_id: UUID, enrollment: Enrollment, join: Join
    ) -> None:
        accepted = self.accepted(enrollment_id)
        assert accepted <= 1, "at most one submission"
        paid = bool(self.play.charges_of(booking_id))
        covered = (
            paid
            and booking_id not in self.play.refunded
            and self.play.disputed.get(booking_id) in (None, "win")
        )
        good = enrollment.seat is SeatState.KEPT and covered and self.play.eligible.get(enrollment_id, False)
        if good:
            assert accepted == 1, "seat, money and verdict: the name is submitted"
            assert join.sent
        elif accepted:
            assert join.flagged_at is not None, "submitted, and a fact fell away: flagged"
        assert join.sent == bool(accepted)
