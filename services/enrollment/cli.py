"""Enrollment's own commands: staff accounts, workshops, and whether the seats add up."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from uuid import UUID

import click
import marshmallow
import structlog
from marshmallow import fields, validate

from services.enrollment import handlers, queries, repository, tasks
from services.enrollment.commands import (
    AccreditTrainer,
    AddStaff,
    BlockPlan,
    CancelWorkshop,
    ChangeRoles,
    CloseStaff,
    CreateWorkshop,
    EnsureCourses,
    MendSeats,
    PublishWorkshop,
    RenewLinks,
    SetPassword,
)
from services.enrollment.domain import Delivery, Role
from shared.errors import AppError
from shared.service import Service

log = structlog.get_logger()

_ROLES = click.Choice([str(role) for role in Role])


@contextmanager
def _told() -> Iterator[None]:
    """Expected refusals become lines on the terminal."""
    try:
        yield
    except AppError as error:
        lines = [f"  {name}: {' '.join(texts)}" for name, texts in error.fields.items()]
        raise click.ClickException("\n".join([error.detail, *lines])) from error


@click.group()
def staff() -> None:
    """Accounts of the people who work here."""


@staff.command("add")
@click.argument("email")
@click.option("--name", prompt=True, help="shown on pages and in letters")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True)
@click.option("--teaches", multiple=True, help="course code a trainer is accredited for, such as CSPO")
@click.password_option()
@click.pass_obj
def add_staff(
    service: Service, email: str, name: str, roles: tuple[str, ...], teaches: tuple[str, ...], password: str
) -> None:
    """Open an account for EMAIL; asks for the password."""
    with _told():
        password_hash = tasks.hash_password(password)
        with service.transactions.begin() as tx:
            handlers.ensure_courses(EnsureCourses(), tx)
            tx.flush()
            command = AddStaff(
                email=email, name=name, roles=roles, teaches=teaches, password_hash=password_hash
            )
            member = handlers.add_staff(command, tx)
    click.echo(f"{member.email} can sign in as {', '.join(member.roles)}.")


@staff.command("password")
@click.argument("email")
@click.password_option()
@click.pass_obj
def set_password(service: Service, email: str, password: str) -> None:
    """Give EMAIL a new password and end its sessions."""
    with _told():
        password_hash = tasks.hash_password(password)
        with service.transactions.begin() as tx:
            handlers.set_password(SetPassword(email=email, password_hash=password_hash), tx)
    click.echo("The password is changed; sessions signed in with the old one have ended.")


@staff.command("roles")
@click.argument("email")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True)
@click.pass_obj
def change_roles(service: Service, email: str, roles: tuple[str, ...]) -> None:
    """Give EMAIL exactly these roles and end its sessions."""
    with _told(), service.transactions.begin() as tx:
        handlers.change_roles(ChangeRoles(email=email, roles=roles), tx)
    click.echo(f"{email} has the roles {', '.join(roles)}.")


@staff.command("teaches")
@click.argument("email")
@click.argument("courses", nargs=-1)
@click.pass_obj
def accredit_trainer(service: Service, email: str, courses: tuple[str, ...]) -> None:
    """Note that EMAIL is accredited for exactly these COURSES."""
    with _told(), service.transactions.begin() as tx:
        handlers.accredit_trainer(AccreditTrainer(email=email, teaches=courses), tx)
    click.echo(f"{email} teaches {', '.join(courses) or 'nothing'}.")


@staff.command("close")
@click.argument("email")
@click.pass_obj
def close_staff(service: Service, email: str) -> None:
    """Close the account of EMAIL and end its sessions."""
    with _told(), service.transactions.begin() as tx:
        handlers.close_staff(CloseStaff(email=email), tx)
    click.echo(f"{email} cannot sign in any more.")


@staff.command("list")
@click.pass_obj
def list_staff(service: Service) -> None:
    """All accounts."""
    with service.transactions.read() as session:
        for row in queries.staff_list(session):
            state = "closed" if row.closed_at else "open"
            click.echo(f"{state:7} {row.email:35} {row.name:25} {','.join(row.roles)}")


class _BlockSchema(marshmallow.Schema):
    """One block; its times carry their offset."""

    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    break_minutes = fields.Integer(required=True, strict=True)

    @marshmallow.post_load
    def make(self, data: dict[str, Any], **_: Any) -> BlockPlan:
        """The block."""
        return BlockPlan(**data)


class _WorkshopSchema(marshmallow.Schema):
    """A workshop as `workshops add` reads it."""

    course_code = fields.String(required=True)
    title = fields.String(required=True)
    delivery = fields.Enum(Delivery, by_value=True, required=True)
    time_zone = fields.String(required=True)
    blocks = fields.List(fields.Nested(_BlockSchema), required=True, validate=validate.Length(min=1))
    capacity = fields.Integer(required=True, strict=True)
    price_minor = fields.Integer(required=True, strict=True)
    currency = fields.String(required=True)
    trainer = fields.Email(required=True)
    join_link = fields.String(load_default=None)
    venue = fields.String(load_default=None)


@click.group()
def workshops() -> None:
    """Plan, publish and withdraw workshops."""


@workshops.command("add")
@click.argument("file", type=click.File())
@click.option("--publish", is_flag=True, help="offer it at once")
@click.pass_obj
def add_workshop(service: Service, file: TextIO, publish: bool) -> None:
    """Plan a workshop from a JSON FILE ("-" reads standard input).

    Times carry their offset, such as 2027-03-01T09:00:00+01:00; `trainer` is the e-mail of an account.
    """
    try:
        data = _WorkshopSchema().load(json.load(file))
    except (ValueError, marshmallow.ValidationError) as error:
        raise click.ClickException(f"The file cannot be used: {error}") from error
    with _told(), service.transactions.begin() as tx:
        handlers.ensure_courses(EnsureCourses(), tx)
        tx.flush()
        trainer = repository.staff_by_email(tx.session, data.pop("trainer"))
        if trainer is None:
            raise click.ClickException("There is no account with the trainer's address.")
        command = CreateWorkshop(**{**data, "blocks": tuple(data["blocks"]), "trainer_id": trainer.staff_id})
        workshop = handlers.create_workshop(command, tx)
        if publish:
            handlers.publish_workshop(PublishWorkshop(workshop_id=workshop.workshop_id), tx)
    click.echo(f"{workshop.workshop_id}  {workshop.state}")


@workshops.command("publish")
@click.argument("workshop_id", type=click.UUID)
@click.pass_obj
def publish_workshop(service: Service, workshop_id: UUID) -> None:
    """Offer a draft in the catalogue."""
    with _told(), service.transactions.begin() as tx:
        handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
    click.echo("Published.")


@workshops.command("cancel")
@click.argument("workshop_id", type=click.UUID)
@click.pass_obj
def cancel_workshop(service: Service, workshop_id: UUID) -> None:
    """Withdraw a workshop in which nobody holds a seat."""
    with _told(), service.transactions.begin() as tx:
        handlers.cancel_workshop(CancelWorkshop(workshop_id=workshop_id), tx)
    click.echo("Cancelled.")


@workshops.command("list")
@click.pass_obj
def list_workshops(service: Service) -> None:
    """All workshops, the newest first."""
    with service.transactions.read() as session:
        for row in queries.trainer_workshops(session):
            seats = f"{row.reserved}/{row.capacity}"
            click.echo(
                f"{row.workshop_id}  {row.starts_at:%Y-%m-%d %H:%M}Z  {row.state:9}  {seats:>7}  {row.title}"
            )


@click.group()
def bookings() -> None:
    """Bookings, by the reference that people quote."""


@bookings.command("renew-links")
@click.argument("reference")
@click.pass_obj
def renew_links(service: Service, reference: str) -> None:
    """Replace all links of the booking REFERENCE, and send the new ones to whoever had the old ones."""
    with _told(), service.transactions.begin() as tx:
        version = handlers.renew_links(RenewLinks(reference=reference), tx)
    click.echo(f"The links have version {version} now: the old ones stop working, the new ones are sent.")


@click.command()
@click.option("--mend", is_flag=True, help="set each wrong counter to its live enrollments")
@click.pass_obj
def seats(service: Service, mend: bool) -> None:
    """Compare each workshop's counter with its live enrollments; exits with 1 when they differ."""
    with service.transactions.read() as session:
        differences = queries.seat_differences(session)
    wrong = False
    for difference in differences:
        click.echo(f"{difference.workshop_id}: {difference.reserved} reserved, {difference.live} live")
        wrong = not (mend and _mended(difference, service)) or wrong
    if wrong:
        sys.exit(1)
    click.echo("All seats add up.")


def _mended(difference: queries.SeatDifference, service: Service) -> bool:
    """Mend one counter and say so; False when that cannot be, which is said too."""
    try:
        with service.transactions.begin() as tx:
            mended = handlers.mend_seats(MendSeats(workshop_id=difference.workshop_id), tx)
    except AppError as error:
        click.echo(f"  not mended: {error.detail}")
        return False
    if mended is None:
        click.echo("  right by now, nothing was changed")
        return True
    log.warning(
        "seats_mended", workshop_id=str(difference.workshop_id), reserved=mended.reserved, live=mended.live
    )
    click.echo(f"  mended: {mended.reserved} reserved before, {mended.live} now")
    return True


COMMANDS: tuple[click.Command, ...] = (bookings, staff, workshops, seats)
"""What `python -m services.enrollment` offers besides the kernel's commands."""
