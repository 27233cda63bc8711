"""Workshops: planned, published, cancelled; and the courses they run."""

from zoneinfo import ZoneInfo

from services.enrollment import repository
from services.enrollment.commands import (
    CancelWorkshop,
    CreateWorkshop,
    EnsureCourses,
    MendSeats,
    PublishWorkshop,
)
from services.enrollment.domain import Block, Course, Delivery, Role, StaffMember, Workshop
from services.enrollment.domain.course import STANDARD_COURSES
from services.enrollment.domain.errors import UnknownWorkshop
from services.enrollment.domain.people import clean_name
from services.enrollment.domain.workshop import check_blocks
from services.enrollment.queries import SeatDifference
from shared.db.transaction import Tx
from shared.errors import Invalid
from shared.ids import new_id
from shared.money import CURRENCIES

MAX_CAPACITY = 500


def ensure_courses(_command: EnsureCourses, tx: Tx) -> None:
    """Add the standard courses that are missing; an existing one may have been adapted and stays."""
    known = repository.course_codes(tx.session)
    for data in STANDARD_COURSES:
        if data.code not in known:
            tx.add(
                Course(
                    code=data.code,
                    name=data.name,
                    accreditor="Scrum Alliance",
                    accredited=True,
                    min_contact_minutes=data.min_contact_minutes,
                    exam_required=data.exam_required,
                    summary=data.summary,
                    included=data.included,
                )
            )


def create_workshop(command: CreateWorkshop, tx: Tx) -> Workshop:
    """Plan a workshop as a draft."""
    workshop_id = command.workshop_id or new_id()
    blocks = [
        Block(
            block_id=new_id(),
            workshop_id=workshop_id,
            position=position,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            break_minutes=plan.break_minutes,
        )
        for position, plan in enumerate(command.blocks, start=1)
    ]
    check_blocks(blocks)
    title = _check_plan(command, tx)
    workshop = Workshop(
        workshop_id=workshop_id,
        course_code=command.course_code,
        title=title,
        delivery=command.delivery,
        join_link=command.join_link,
        venue=command.venue,
        time_zone=command.time_zone,
        starts_at=blocks[0].starts_at,
        ends_at=blocks[-1].ends_at,
        capacity=command.capacity,
        price_minor=command.price_minor,
        currency=command.currency,
        trainer_id=command.trainer_id,
        created_at=tx.now(),
    )
    tx.add(workshop)
    # Blocks name their workshop, so its row goes first; what follows may ask for both.
    tx.flush()
    tx.session.add_all(blocks)
    tx.flush()
    return workshop


def publish_workshop(command: PublishWorkshop, tx: Tx) -> None:
    """Offer a draft, with the course's minimum frozen into it."""
    workshop = tx.get_for_update(Workshop, command.workshop_id)
    if workshop is None:
        raise UnknownWorkshop
    course = repository.course(tx.session, workshop.course_code)
    trainer = tx.session.get(StaffMember, workshop.trainer_id)
    assert course is not None
    assert trainer is not None
    blocks = repository.blocks_of_workshop(tx.session, workshop.workshop_id)
    workshop.publish(course, blocks, trainer_may_teach=trainer.may_teach(course.code), now=tx.now())


def cancel_workshop(command: CancelWorkshop, tx: Tx) -> None:
    """Withdraw a workshop in which nobody holds a seat."""
    workshop = tx.get_for_update(Workshop, command.workshop_id)
    if workshop is None:
        raise UnknownWorkshop
    workshop.cancel(tx.now())


def mend_seats(command: MendSeats, tx: Tx) -> SeatDifference | None:
    """Set the counter to the live seats; what was different, or None when it was right by now.

    Every hold takes and gives back its seats with the workshop's row locked until it commits. So the seats are
    counted behind that lock: what was under way before is counted in full, what comes after adds to the result.
    """
    workshop = tx.get_for_update(Workshop, command.workshop_id)
    if workshop is None:
        raise UnknownWorkshop
    live = repository.live_seats(tx.session, command.workshop_id)
    if live == workshop.reserved:
        return None
    workshop.check_live_seats(live)
    repository.set_reserved(tx.session.connection(), command.workshop_id, live)
    return SeatDifference(workshop_id=command.workshop_id, reserved=workshop.reserved, live=live)


def _check_plan(command: CreateWorkshop, tx: Tx) -> str:
    """Refuse a plan that cannot be offered, naming every field; the cleaned title."""
    wrong: dict[str, list[str]] = {}
    title = command.title
    try:
        title = clean_name(command.title)
    except ValueError:
        wrong["title"] = ["Enter a title in one line of at most 100 characters."]
    try:
        ZoneInfo(command.time_zone)
    except (ValueError, OSError, KeyError):
        wrong["time_zone"] = ["Enter an IANA time zone such as Europe/Berlin."]
    if command.course_code not in repository.course_codes(tx.session):
        wrong["course_code"] = ["Enter the code of a course, such as CSPO."]
    if command.currency not in CURRENCIES:
        wrong["currency"] = [f"Enter one of {', '.join(sorted(CURRENCIES))}."]
    if not 1 <= command.capacity <= MAX_CAPACITY:
        wrong["capacity"] = [f"Enter a number of seats between 1 and {MAX_CAPACITY}."]
    if command.price_minor < 0:
        wrong["price_minor"] = ["Enter a price of zero or more."]
    if command.delivery is Delivery.ONLINE and not command.join_link:
        wrong["join_link"] = ["An online workshop needs a link to join."]
    if command.delivery is Delivery.IN_PERSON and not command.venue:
        wrong["venue"] = ["A workshop in person needs a venue."]
    if command.join_link and not command.join_link.startswith("https://"):
        wrong["join_link"] = ["Enter a link that starts with https://."]
    trainer = tx.session.get(StaffMember, command.trainer_id)
    if trainer is None or trainer.closed_at is not None or Role.TRAINER not in trainer.roles:
        wrong["trainer_id"] = ["Choose a trainer with an open account."]
    if wrong:
        raise Invalid("bad_workshop", "Correct the fields that are marked.", fields=wrong)
    return title
