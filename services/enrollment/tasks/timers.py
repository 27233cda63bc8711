"""What enrollment does regularly: end holds, see whether the seats add up, forget attempts to sign in."""

import structlog

from services.enrollment import handlers, queries, repository
from services.enrollment.commands import EndHold, ForgetLogins
from shared.messaging.subscriptions import TimerContext

_BATCH = 200

log = structlog.get_logger()


def end_holds(context: TimerContext) -> None:
    """Give back the seats of holds that are over, each booking in a transaction of its own.

    Found without a lock and judged again under it, because a payment may come in between.
    """
    with context.transactions.read() as session:
        due = repository.due_holds(session, context.clock.now(), _BATCH)
    for booking_id in due:
        with context.transactions.begin() as tx:
            handlers.end_hold(EndHold(booking_id=booking_id), tx)


def check_seats(context: TimerContext) -> None:
    """Say so when a workshop's counter and its live enrollments differ: seats would be lost or sold twice."""
    with context.transactions.read() as session:
        for difference in queries.seat_differences(session):
            log.error(
                "seats_differ",
                workshop_id=str(difference.workshop_id),
                reserved=difference.reserved,
                live=difference.live,
            )


def forget_logins(context: TimerContext) -> None:
    """Drop attempts to sign in that no longer count."""
    with context.transactions.begin() as tx:
        handlers.forget_logins(ForgetLogins(), tx)
