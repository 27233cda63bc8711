"""Enrollment's composition root: settings in, `Service` out."""

import os
from functools import partial
from pathlib import Path

from flask import Flask

from services.enrollment import subscriptions, tasks, web
from services.enrollment.domain import Base, HoldPolicy
from services.enrollment.gateways.mail import Mailer, SmtpMailer, sender
from services.enrollment.settings import Settings
from shared.auth.links import LinkSigner
from shared.config import load_settings
from shared.contracts import REGISTRY
from shared.contracts.enrollment import StaffChanged, StaffSessionEnded
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import described
from shared.messaging.subscriptions import Timer
from shared.observability.logs import configure_logs
from shared.service import Overrides, Service, compose
from shared.web.app import create_web

# Read, never changed.
_AS_USUAL = Overrides()


def build(settings: Settings, *, overrides: Overrides = _AS_USUAL, mailer: Mailer | None = None) -> Service:
    """The service. Tests use the same root, with overrides."""
    mailer = mailer or SmtpMailer(settings.smtp_url)
    hold = settings.hold_policy
    correspondence = tasks.Correspondence(
        mailer=mailer,
        sender=sender(settings.mail_from),
        links=LinkSigner(settings.link_keys),
        public_url=settings.public_url,
    )
    return compose(
        name="enrollment",
        settings=settings,
        rebuild=partial(build, settings),
        registry=REGISTRY,
        manifest=MANIFEST,
        metadata=Base.metadata,
        migrations=Path(__file__).parent / "migrations",
        subscriptions=subscriptions.subscriptions(hold, correspondence),
        overrides=overrides,
        timers=(
            Timer(name="end_holds", every_seconds=2, run=tasks.end_holds),
            Timer(name="check_seats", every_seconds=300, run=tasks.check_seats),
            Timer(name="forget_logins", every_seconds=3600, run=tasks.forget_logins),
        ),
        # What tells of money, seats or memberships stays in the outbox for ever.
        forgettable=frozenset({StaffChanged.TYPE, StaffSessionEnded.TYPE}),
        blueprints=web.BLUEPRINTS,
        events_document=described,
        apis=web.APIS,
        gateways={Mailer: mailer, HoldPolicy: hold},
        seed=tasks.seed,
        form_origins=(settings.checkout_origin,),
    )


def create_app() -> Flask:
    """The web app, for gunicorn."""
    settings = load_settings(Settings, os.environ)
    configure_logs(settings.log_format, "enrollment")
    return create_web(build(settings))
