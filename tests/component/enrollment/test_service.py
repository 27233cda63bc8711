"""Enrollment as a whole: its table of events, its migrations, its settings, its example data."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.enrollment import queries, tasks
from services.enrollment.app import build
from services.enrollment.domain import WorkshopState
from services.enrollment.settings import Settings
from services.enrollment.tasks.seed import SANDBOX_PASSWORD, workshop_id
from shared.clock import FrozenClock
from shared.config import SettingsError, load_settings
from shared.contracts.manifest import MANIFEST
from shared.db import migrate
from shared.messaging.subscriptions import TimerContext
from shared.service import Overrides
from tests.component.enrollment.news import START
from tests.component.enrollment.shop import Shop, sqlite_url

SANDBOX = {"ROSTRUM_MODE": "sandbox"}
PRODUCTION = {
    "DATABASE_URL": "postgresql://localhost/enrollment",
    "AMQP_URL": "amqp://localhost",
    "PUBLIC_URL": "https://workshops.example.org",
    "STAFF_KEYS": "a-long-random-key-of-32-characters",
    "LINK_KEYS": "another-long-random-key-of-32-chars",
    "SMTP_URL": "smtp+starttls://user:word@mail.example.org",
    "MAIL_FROM": "Workshops <workshops@example.org>",
}


def test_it_reacts_to_exactly_what_it_reads(shop: Shop) -> None:
    assert set(shop.service.subscriptions) == MANIFEST.subscriptions["enrollment"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_migrations_make_the_tables(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    if database == "sqlite":
        url = sqlite_url(tmp_path)
    else:
        make: Callable[[], str] = request.getfixturevalue("database_url")
        url = make()
    service = build(load_settings(Settings, {**SANDBOX, "DATABASE_URL": url}))
    migrate.upgrade(service.engine, service.migrations, service.metadata)
    migrate.upgrade(service.engine, service.migrations, service.metadata)
    assert migrate.differences(service.engine, service.metadata) == []
    tasks.seed(service)
    service.engine.dispose()


def test_the_examples_can_be_repeated_and_tried(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    url = sqlite_url(tmp_path)
    service = build(
        load_settings(Settings, {**SANDBOX, "DATABASE_URL": url}), overrides=Overrides(clock=clock)
    )
    migrate.upgrade(service.engine, service.migrations, service.metadata)
    tasks.seed(service)
    clock.advance(timedelta(hours=1))
    tasks.seed(service)
    with service.transactions.read() as session:
        entries = queries.catalogue(session, clock.now())
        staff = queries.staff_list(session)
    assert len(entries) == 4
    assert {entry.currency for entry in entries} == {"EUR", "USD", "JPY"}
    assert {entry.delivery for entry in entries} == {"online", "in_person"}
    assert len({entry.time_zone for entry in entries}) >= 3
    assert sorted(role for row in staff for role in row.roles) == ["admin", "finance", "ops", "trainer"]
    soon = next(entry for entry in entries if entry.workshop_id == workshop_id("cspo-soon"))
    assert soon.ends_at <= START + timedelta(days=2)
    principal = tasks.sign_in(
        tasks.Credentials(email="trainer@example.com", password=SANDBOX_PASSWORD), service.transactions
    )
    assert principal.roles == {"trainer"}
    service.engine.dispose()


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_next_example_ends_within_two_days_at_any_hour(tmp_path: Path, hour: int) -> None:
    now = START.replace(hour=hour, minute=59)
    service = build(
        load_settings(Settings, {**SANDBOX, "DATABASE_URL": sqlite_url(tmp_path)}),
        overrides=Overrides(clock=FrozenClock(now)),
    )
    migrate.upgrade(service.engine, service.migrations, service.metadata)
    tasks.seed(service)
    with service.transactions.read() as session:
        page = queries.workshop_page(session, workshop_id("cspo-soon"), now)
    assert page is not None
    assert page.bookable
    assert page.starts_at - now > timedelta(hours=1)
    assert page.ends_at - now <= timedelta(days=2)
    service.engine.dispose()


def test_production_names_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(Settings, {"DATABASE_URL": "postgresql://localhost/x", "HOLD_MINUTES": "0"})
    assert {"SMTP_URL", "MAIL_FROM", "HOLD_MINUTES", "PUBLIC_URL"} <= set(wrong.value.problems)
    assert load_settings(Settings, PRODUCTION).hold_policy.hold == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SMTP_URL", "smtp://user:word@mail.example.org"),
        ("SMTP_URL", "smtp://127.0.0.1:8025"),
        ("MAIL_FROM", "Rostrum workshops <workshops@rostrum.example>"),
        ("MAIL_FROM", "not an address"),
        ("GRACE_MINUTES", "many"),
    ],
)
def test_settings_that_are_refused_in_production(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(Settings, {**PRODUCTION, variable: value})
    assert set(wrong.value.problems) == {variable}


def test_the_timer_reports_seats_that_differ(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    identity = shop.plan()
    shop.book(identity)
    with shop.service.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE workshop SET reserved = 0")
    context: Any = TimerContext(
        service=shop.service, transactions=shop.service.transactions, clock=shop.clock
    )
    tasks.check_seats(context)
    assert str(identity) in capsys.readouterr().out
    assert shop.workshop(identity).state is WorkshopState.PUBLISHED
