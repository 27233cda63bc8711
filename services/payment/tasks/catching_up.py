"""The timer over Stripe's list of events: refunds and disputes whose webhooks were lost are heard of too."""

from datetime import datetime, timedelta

from services.payment.domain import EventCursor
from services.payment.gateways import stripe_reading as reading
from services.payment.gateways.base import PaymentGateway
from services.payment.queries import read_cursor
from shared.db.transaction import Tx
from shared.messaging.inbox import receive
from shared.messaging.subscriptions import TimerContext

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
    until = now
    page = gateway.events_between(since, until, types, limit=_MOST_PER_RUN)
    while not page.complete and until - since > timedelta(seconds=1):
        # Newest come first, so a period with too many is halved until its oldest are at hand.
        until = since + (until - since) / 2
        page = gateway.events_between(since, until, types, limit=_MOST_PER_RUN)
    with ctx.transactions.begin() as tx:
        for body in page.bodies:
            store_event(body, tx)
        tx.get_or_add(
            EventCursor, _CURSOR, lambda: EventCursor(name=_CURSOR, read_until=until)
        ).read_until = until


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
