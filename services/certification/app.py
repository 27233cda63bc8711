"""The composition root: settings in, service out."""

import os
from functools import partial
from pathlib import Path

from flask import Flask

from services.certification.domain.base import Base
from services.certification.gateways.base import MembershipRegistry
from services.certification.gateways.scrum_alliance import ScrumAlliance
from services.certification.queries import longest_unanswered_seconds, refused_activations
from services.certification.settings import Settings
from services.certification.subscriptions import subscriptions
from services.certification.tasks import check_activations_with
from services.certification.web import APIS, BLUEPRINTS
from shared.config import load_settings
from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import described
from shared.messaging.subscriptions import Timer
from shared.observability.logs import configure_logs
from shared.observability.metrics import StoredGauge
from shared.service import Overrides, Service, compose
from shared.web.app import create_web

_GAUGES = (
    StoredGauge(
        name="rostrum_refused_activations",
        help="Names the Scrum Alliance refused: each needs a correction.",
        read=lambda session, now: refused_activations(session),
    ),
    StoredGauge(
        name="rostrum_unanswered_activation_oldest_age_seconds",
        help="How long the first activation that was asked for has waited for the registry; 0 when none waits.",
        read=longest_unanswered_seconds,
    ),
)

# `overrides` is read, never changed.
_AS_USUAL = Overrides()


def build(
    settings: Settings,
    *,
    overrides: Overrides = _AS_USUAL,
    registry: MembershipRegistry | None = None,
) -> Service:
    """The service; tests may give another registry of members."""
    members = registry or ScrumAlliance(settings.scrum_alliance_url, settings.scrum_alliance_key)
    return compose(
        name="certification",
        settings=settings,
        rebuild=partial(build, settings),
        registry=REGISTRY,
        manifest=MANIFEST,
        events_document=described,
        metadata=Base.metadata,
        migrations=Path(__file__).parent / "migrations",
        subscriptions=subscriptions(members, settings.lost_answer_wait_seconds),
        timers=(
            Timer(
                name="check_activations",
                every_seconds=settings.activation_poll_seconds,
                run=check_activations_with(members, settings.activation_poll_seconds, overrides.checkpoint),
            ),
        ),
        gauges=_GAUGES,
        gateways={MembershipRegistry: members},
        blueprints=BLUEPRINTS,
        apis=APIS,
        overrides=overrides,
    )


def create_app() -> Flask:
    """The web app, for gunicorn."""
    settings = load_settings(Settings, os.environ)
    configure_logs(settings.log_format, "certification")
    return create_web(build(settings))
