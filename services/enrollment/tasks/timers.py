"""What enrollment does regularly: end holds, see whether the seats add up, forget attempts to sign in."""

from uuid import UUID

import structlog

from services.enrollment import handlers, queries, repository
from services.enrollment.commands import EndHold, ForgetLogins
from shared.messaging.failures import passing_over
from shared.messaging.subscriptions import TimerContext

_BATCH = 200

log = structlog.get_logger()


def end_holds(context: TimerContext) -> None:
    """Give back the seats of holds that are over, each booking in a transaction of its own.

    Found without a lock and judged again under it, because a payment may come in between. The run ends after
    a bounded number of ended holds; those that cannot be ended are passed over, or the same ones would stand
    in front every time.
    """
    now, ended, after = context.clock.now(), 0, None
    while ended < _BATCH:
        with context.transactions.read() as session:
            page = repository.due_holds(session, now, _BATCH, after=after)
        ended += sum(_end(due.booking_id, context) for due in page)
        if len(page) < _BATCH:
            return
        after = page[-1]


def _end(booking_id: UUID, context: TimerContext) -> bool:
    # One booking that cannot be ended must not keep the seats of all others locked.
    with passing_over("hold_not_ended", booking_id=str(booking_id)):
        with context.transactions.begin() as tx:
            handlers.end_hold(EndHold(booking_id=booking_id), tx)
        return True
    return False


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
