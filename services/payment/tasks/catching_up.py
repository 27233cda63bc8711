"""The timer over Stripe's list of events: refunds and disputes whose webhooks were lost are heard of too."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from services.payment.domain import EventCursor
from services.payment.gateways import stripe_reading as reading
from services.payment.gateways.base import EventPage, PaymentGateway
from services.payment.queries import read_cursor
from shared.db.transaction import Tx
from shared.errors import Permanent
from shared.messaging.inbox import receive
from shared.messaging.subscriptions import TimerContext
from shared.observability.redaction import describe_error

log = structlog.get_logger()

SOURCE = "stripe"

_CURSOR = "events"
_OVERLAP = timedelta(minutes=10)
"""Events may be listed a little later than they were created."""
_KEPT = timedelta(days=29)
"""Stripe lists thirty days of events."""
_MOST_PER_RUN = 1000


def catch_up_with_events(ctx: TimerContext) -> None:
    """Store the events that no webhook brought; those already stored are recognised by their id."""
    gateway: PaymentGateway = ctx.service.gateway(PaymentGateway)
    types = tuple(ctx.service.sources[SOURCE].subscriptions)
    now: datetime = ctx.clock.now()
    with ctx.transactions.read() as session:
        cursor = read_cursor(session, _CURSOR)
    since = max((cursor or now) - _OVERLAP, now - _KEPT)
    bodies, until = _next_events(partial(gateway.events_between, types=types), since, cursor or since, now)
    for first in range(0, len(bodies), _MOST_PER_RUN):
        with ctx.transactions.begin() as tx:
            for body in bodies[first : first + _MOST_PER_RUN]:
                _store_listed(body, tx)
    with ctx.transactions.begin() as tx:
        tx.get_or_add(
            EventCursor, _CURSOR, lambda: EventCursor(name=_CURSOR, read_until=until)
        ).read_until = until


def _next_events(
    listed: Callable[..., EventPage], since: datetime, known: datetime, now: datetime
) -> tuple[Sequence[str], datetime]:
    """Events from `since` on, oldest first, and until when these are all; never earlier than `known`."""
    page = listed(since, now, limit=_MOST_PER_RUN)
    if page.complete:
        return page.bodies, now
    # Too many for one run. What overlaps is read to its end, however much it is: else a burst in it would be
    # read again and again, and nothing behind it.
    known, until = max(known, since), now
    overlap = listed(since, known, limit=None)
    page = listed(known, until, limit=_MOST_PER_RUN)
    while not page.complete and until - known > timedelta(seconds=1):
        # Newest come first, so a period with too many is halved until its oldest are at hand.
        until = known + (until - known) / 2
        page = listed(known, until, limit=_MOST_PER_RUN)
    if not page.complete:
        page = listed(known, until, limit=None)
    return (*overlap.bodies, *page.bodies), until


def _store_listed(body: str, tx: Tx) -> None:
    try:
        store_event(body, tx)
    except Permanent as error:
        # One event that cannot be read must not keep those behind it from being heard of. It is never listed again:
        # by its id somebody finds at Stripe what it was about.
        event_id, kind = reading.named(body)
        log.error("event_unread", event_id=event_id, event_type=kind, error=describe_error(error))


def store_event(body: str, tx: Tx) -> bool:
    """Put an event of Stripe's into the inbox; False when it was there already."""
    event = reading.read_event(body)
    return receive(
        tx,
        source=SOURCE,
        message_id=event.event_id,
        type=event.type,
        payload=body,
        made_at=event.created,
        references=reading.references_of(event),
    )
