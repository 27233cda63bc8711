"""Example data for the sandbox: courses, one account per role, four workshops. Repeating changes nothing."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.enrollment import handlers, queries, repository
from services.enrollment.commands import AddStaff, BlockPlan, CreateWorkshop, EnsureCourses, PublishWorkshop
from services.enrollment.domain import Delivery, Role
from services.enrollment.tasks.passwords import hash_password
from shared.service import Service

SANDBOX_PASSWORD = "rostrum-sandbox"

_NAMESPACE = UUID("2c0d0c2e-6f2e-5b57-8d0e-5f1c4c1d9f3b")
SANDBOX_STAFF = (
    ("trainer@example.com", "Mira Lindqvist", (Role.TRAINER,), ("CSM", "CSPO")),
    ("finance@example.com", "Tomás Ferreira", (Role.FINANCE,), ()),
    ("ops@example.com", "Noor Haddad", (Role.OPS,), ()),
    ("admin@example.com", "Jun Watanabe", (Role.ADMIN,), ()),
)
# Round the world, so that a workshop starting in a few hours starts in somebody's morning.
_ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Singapore", "Asia/Kolkata", "Asia/Dubai",
    "Europe/Berlin", "Europe/London", "America/Sao_Paulo", "America/New_York", "America/Denver",
    "America/Los_Angeles", "Pacific/Honolulu",
)  # fmt: skip


def workshop_id(slug: str) -> UUID:
    """The id of an example workshop, the same in every sandbox."""
    return uuid5(_NAMESPACE, slug)


def seed(service: Service) -> None:
    """Put the example data into a sandbox."""
    with service.transactions.begin() as tx:
        handlers.ensure_courses(EnsureCourses(), tx)
    with service.transactions.read() as session:
        missing = [row for row in SANDBOX_STAFF if queries.account_by_email(session, row[0]) is None]
    for email, name, roles, teaches in missing:
        password_hash = hash_password(SANDBOX_PASSWORD)
        command = AddStaff(email=email, name=name, roles=roles, teaches=teaches, password_hash=password_hash)
        with service.transactions.begin() as tx:
            handlers.add_staff(command, tx)
    with service.transactions.begin() as tx:
        trainer = repository.staff_by_email(tx.session, SANDBOX_STAFF[0][0])
        assert trainer is not None
        for plan in _workshops(tx.now(), trainer.staff_id):
            assert plan.workshop_id is not None
            if repository.workshop(tx.session, plan.workshop_id) is None:
                handlers.create_workshop(plan, tx)
                handlers.publish_workshop(PublishWorkshop(workshop_id=plan.workshop_id), tx)


def _workshops(now: datetime, trainer_id: UUID) -> Iterator[CreateWorkshop]:
    soon = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    yield CreateWorkshop(
        workshop_id=workshop_id("cspo-soon"),
        course_code="CSPO",
        title="Certified Scrum Product Owner, live online",
        delivery=Delivery.ONLINE,
        join_link="https://meet.example.com/cspo-online",
        time_zone=_morning_zone(soon),
        # Both days end within two days from now: the demo completes this one by moving the clock.
        blocks=tuple(_block(soon + timedelta(days=day), hours=8, break_minutes=60) for day in range(2)),
        capacity=12,
        price_minor=129_000,
        currency="EUR",
        trainer_id=trainer_id,
    )
    yield CreateWorkshop(
        workshop_id=workshop_id("csm-berlin"),
        course_code="CSM",
        title="Certified ScrumMaster in Berlin",
        delivery=Delivery.IN_PERSON,
        venue="Lindenhof, Oranienstraße 25, 10999 Berlin, Germany",
        time_zone="Europe/Berlin",
        blocks=tuple(
            _block(_local(now, 14 + day, time(9), "Europe/Berlin"), hours=9, break_minutes=60)
            for day in range(2)
        ),
        capacity=16,
        price_minor=149_000,
        currency="EUR",
        trainer_id=trainer_id,
    )
    yield CreateWorkshop(
        workshop_id=workshop_id("cspo-new-york"),
        course_code="CSPO",
        title="Certified Scrum Product Owner, four mornings online",
        delivery=Delivery.ONLINE,
        join_link="https://meet.example.com/cspo-mornings",
        time_zone="America/New_York",
        blocks=tuple(
            _block(_local(now, 21 + day, time(9), "America/New_York"), hours=4, break_minutes=30)
            for day in range(4)
        ),
        capacity=20,
        price_minor=119_500,
        currency="USD",
        trainer_id=trainer_id,
    )
    yield CreateWorkshop(
        workshop_id=workshop_id("csm-tokyo"),
        course_code="CSM",
        title="Certified ScrumMaster in Tokyo, small group",
        delivery=Delivery.IN_PERSON,
        venue="Shibuya Hikarie, 2-21-1 Shibuya, Tokyo, Japan",
        time_zone="Asia/Tokyo",
        blocks=tuple(
            _block(_local(now, 30 + day, time(9, 30), "Asia/Tokyo"), hours=9, break_minutes=60)
            for day in range(2)
        ),
        # A single seat, so that "the last seat" can be tried by hand.
        capacity=1,
        price_minor=198_000,
        currency="JPY",
        trainer_id=trainer_id,
    )


def _block(starts_at: datetime, *, hours: int, break_minutes: int) -> BlockPlan:
    return BlockPlan(
        starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), break_minutes=break_minutes
    )


def _local(now: datetime, days: int, at: time, zone: str) -> datetime:
    """That time of day in a zone, some days ahead."""
    day = (now.astimezone(ZoneInfo(zone)) + timedelta(days=days)).date()
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(now.tzinfo)


def _morning_zone(at: datetime) -> str:
    """A zone in which this moment is nearest to nine in the morning."""
    return min(_ZONES, key=lambda zone: abs(at.astimezone(ZoneInfo(zone)).hour - 9))
