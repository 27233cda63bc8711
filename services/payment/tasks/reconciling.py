"""The one-minute timer over open sessions: what a lost webhook would have said is read instead."""

import structlog

from services.payment import handlers
from services.payment.commands import AbandonCheckout, NoteReading
from services.payment.domain import Checkout
from services.payment.gateways.base import PaymentGateway, SessionFacts
from services.payment.queries import UnsettledCheckout, checkouts_to_read
from services.payment.tasks.checkouts import ours_of, to_follow_session
from shared.errors import Permanent, Unavailable
from shared.messaging.subscriptions import TimerContext

log = structlog.get_logger()

_PAGE = 50
_MOST_PER_RUN = 500
_PATIENCE = 3
"""After so many calls in a row without an answer Stripe is away, and the next run tries again."""


def reconcile_sessions(ctx: TimerContext) -> None:
    """Read every session that is not settled here, the longest unread first, a bounded number per run."""
    gateway: PaymentGateway = ctx.service.gateway(PaymentGateway)
    started = ctx.clock.now()
    unanswered = 0
    for _ in range(_MOST_PER_RUN // _PAGE):
        with ctx.transactions.read() as session:
            page = checkouts_to_read(session, now=started, unread_since=started, limit=_PAGE)
        for found in page:
            try:
                _reconcile(found, gateway, ctx)
                unanswered = 0
            except Unavailable as error:
                unanswered += 1
                _put_back(found.checkout, error, ctx)
                if unanswered >= _PATIENCE:
                    return
            except Exception as error:
                # One session that cannot be read must not keep the others from being read.
                _put_back(found.checkout, error, ctx)
        if len(page) < _PAGE:
            return


def _reconcile(found: UnsettledCheckout, gateway: PaymentGateway, ctx: TimerContext) -> None:
    checkout = found.checkout
    facts = _read(checkout, gateway)
    if facts is not None and facts.status == "open" and not found.wanted:
        # The hold ended while the session was being made, or the money came by another one.
        facts = gateway.expire_session(facts.stripe_session_id)
    with ctx.transactions.begin() as tx:
        if facts is not None:
            handlers.follow_session(to_follow_session(facts, ours_of(checkout)), tx)
        elif ctx.clock.now() >= checkout.expires_at:
            handlers.abandon_checkout(
                AbandonCheckout(booking_id=checkout.booking_id, checkout_id=checkout.checkout_id), tx
            )
        handlers.note_reading(NoteReading(checkout_id=checkout.checkout_id), tx)


def _read(checkout: Checkout, gateway: PaymentGateway) -> SessionFacts | None:
    if checkout.stripe_session_id is not None:
        return gateway.read_session(checkout.stripe_session_id)
    return gateway.find_session(checkout.payable_id, checkout.attempt, since=checkout.requested_at)


def _put_back(checkout: Checkout, error: Exception, ctx: TimerContext) -> None:
    kind = "refused" if isinstance(error, Permanent) else type(error).__name__
    log.warning("session_unread", checkout_id=str(checkout.checkout_id), kind=kind)
    with ctx.transactions.begin() as tx:
        handlers.note_reading(NoteReading(checkout_id=checkout.checkout_id), tx)
