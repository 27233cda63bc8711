"""The composition root: settings in, service out."""

import os
from functools import partial
from pathlib import Path

from flask import Flask

from services.payment.domain import Base
from services.payment.gateways.base import PaymentGateway
from services.payment.gateways.stripe_gateway import StripeGateway
from services.payment.queries import longest_unsubmitted_seconds, unsubmitted
from services.payment.settings import Settings
from services.payment.subscriptions import stripe_source, subscriptions
from services.payment.tasks import catch_up_with_events, reconcile_sessions, tell_uncounted_money
from services.payment.web import APIS, BLUEPRINTS
from shared.clock import OffsetClock, SystemClock
from shared.config import load_settings
from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.payment import CheckoutOpened
from shared.contracts.published import described
from shared.messaging.subscriptions import Timer
from shared.observability.logs import configure_logs
from shared.observability.metrics import StoredGauge
from shared.service import Overrides, Service, compose
from shared.web.app import create_web

_FOLDER = Path(__file__).parent
_USUAL = Overrides()

_TIMERS = (
    Timer(name="reconcile_sessions", every_seconds=60, run=reconcile_sessions),
    Timer(name="catch_up_with_events", every_seconds=60, run=catch_up_with_events),
    Timer(name="tell_uncounted_money", every_seconds=3600, run=tell_uncounted_money),
)


_GAUGES = (
    StoredGauge(
        name="rostrum_unsubmitted_enrollments",
        help="Paid for and eligible, but the name is not submitted yet.",
        read=lambda session, now: unsubmitted(session),
    ),
    StoredGauge(
        name="rostrum_unsubmitted_oldest_age_seconds",
        help="How long the first of them has waited; 0 when nobody waits.",
        read=longest_unsubmitted_seconds,
    ),
)


def build(
    settings: Settings, overrides: Overrides = _USUAL, *, gateway: PaymentGateway | None = None
) -> Service:
    """Put the payment service together; tests give a clock, a bus, crash points or a gateway of their own."""
    clock = overrides.clock or (
        OffsetClock(settings.clock_offset_file) if settings.clock_offset_file else SystemClock()
    )
    stripe = gateway or StripeGateway(
        api_key=settings.stripe_api_key,
        api_base=settings.stripe_api_base,
        webhook_secrets=settings.stripe_webhook_secrets,
        clock=clock,
    )
    return compose(
        name="payment",
        settings=settings,
        rebuild=partial(build, settings),
        registry=REGISTRY,
        manifest=MANIFEST,
        events_document=described,
        metadata=Base.metadata,
        migrations=_FOLDER / "migrations",
        subscriptions=subscriptions(stripe),
        sources=(stripe_source(stripe),),
        overrides=overrides,
        timers=_TIMERS,
        gauges=_GAUGES,
        # What tells of money, seats or memberships stays in the outbox for ever.
        forgettable=frozenset({CheckoutOpened.TYPE}),
        blueprints=BLUEPRINTS,
        apis=APIS,
        gateways={PaymentGateway: stripe},
        form_origins=(settings.stripe_checkout_origin,),
    )


def create_app() -> Flask:
    """The web app, for gunicorn."""
    settings = load_settings(Settings, os.environ)
    configure_logs(settings.log_format, "payment")
    return create_web(build(settings))
