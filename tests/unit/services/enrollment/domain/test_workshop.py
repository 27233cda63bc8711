"""A workshop is published when it is long enough, and completed by its trainer when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.enrollment.domain import Block, Course, Delivery, Workshop, WorkshopState
from services.enrollment.domain.errors import (
    NotOverYet,
    NotYourWorkshop,
    ScheduleTooShort,
    WrongWorkshopState,
)
from services.enrollment.domain.workshop import check_blocks, contact_minutes
from shared.errors import Conflict, Invalid

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
TRAINER = UUID(int=7)
COURSE = Course(
    code="CSPO",
    name="Certified Scrum Product Owner",
    accreditor="Scrum Alliance",
    accredited=True,
    min_contact_minutes=840,
    exam_required=False,
    summary="",
    included=(),
)


def block(start_hours: float, minutes: int, break_minutes: int = 0, position: int = 1) -> Block:
    starts_at = NOW + timedelta(hours=start_hours)
    return Block(
        block_id=uuid4(),
        workshop_id=uuid4(),
        position=position,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        break_minutes=break_minutes,
    )


def workshop(state: WorkshopState = WorkshopState.DRAFT, **changes: Any) -> Workshop:
    values: dict[str, Any] = {
        "workshop_id": uuid4(),
        "course_code": "CSPO",
        "title": "CSPO",
        "state": state,
        "delivery": Delivery.ONLINE,
        "time_zone": "Europe/Berlin",
        "starts_at": NOW + timedelta(days=1),
        "ends_at": NOW + timedelta(days=2),
        "capacity": 2,
        "price_minor": 1,
        "currency": "EUR",
        "trainer_id": TRAINER,
        "created_at": NOW,
        **changes,
    }
    return Workshop(**values)


def publish(one: Workshop, blocks: list[Block], *, may_teach: bool = True) -> None:
    one.publish(COURSE, blocks, trainer_may_teach=may_teach, now=NOW)


@pytest.mark.parametrize(
    "lengths", [[(480, 60), (480, 60)], [(210, 0)] * 4, [(840, 0)], [(900, 60)]], ids=["2d", "4h", "1", "1b"]
)
def test_fourteen_hours_in_any_number_of_blocks(lengths: list[tuple[int, int]]) -> None:
    one = workshop()
    blocks = [block(24 * index, minutes, rest) for index, (minutes, rest) in enumerate(lengths)]
    publish(one, blocks)
    assert (one.state, one.required_minutes, one.published_at) == (WorkshopState.PUBLISHED, 840, NOW)
    assert contact_minutes(blocks) == 840


def test_a_minute_short_is_refused_and_said() -> None:
    one = workshop()
    with pytest.raises(ScheduleTooShort, match="1 minute is missing"):
        publish(one, [block(0, 480, 60), block(24, 480, 61)])
    assert one.state is WorkshopState.DRAFT


def test_seconds_are_not_rounded_up() -> None:
    short = block(0, 60)
    short.ends_at -= timedelta(seconds=1)
    assert short.contact_minutes == 59


def test_only_accredited_trainers_and_only_ahead() -> None:
    with pytest.raises(Conflict, match="accredited"):
        publish(workshop(), [block(0, 840)], may_teach=False)
    with pytest.raises(Conflict, match="begun"):
        publish(workshop(starts_at=NOW), [block(0, 840)])


@pytest.mark.parametrize("state", [s for s in WorkshopState if s is not WorkshopState.DRAFT])
def test_only_a_draft_is_published(state: WorkshopState) -> None:
    with pytest.raises(WrongWorkshopState):
        publish(workshop(state), [block(0, 840)])


def test_completion_is_the_trainers_act_after_the_end() -> None:
    one = workshop(WorkshopState.PUBLISHED)
    with pytest.raises(NotYourWorkshop):
        one.complete(uuid4(), one.ends_at)
    with pytest.raises(NotOverYet):
        one.complete(TRAINER, one.ends_at - timedelta(seconds=1))
    one.complete(TRAINER, one.ends_at)
    assert (one.state, one.completed_by, one.completed_at) == (WorkshopState.COMPLETED, TRAINER, one.ends_at)
    with pytest.raises(WrongWorkshopState):
        one.complete(TRAINER, one.ends_at)


@pytest.mark.parametrize("state", [WorkshopState.DRAFT, WorkshopState.COMPLETED, WorkshopState.CANCELLED])
def test_recording_is_for_published_workshops(state: WorkshopState) -> None:
    workshop(WorkshopState.PUBLISHED).check_recording(TRAINER)
    with pytest.raises(WrongWorkshopState):
        workshop(state).check_recording(TRAINER)


def test_cancelling_needs_empty_seats() -> None:
    with pytest.raises(Conflict, match="taken"):
        workshop(WorkshopState.PUBLISHED, reserved=1).cancel(NOW)
    one = workshop(WorkshopState.PUBLISHED)
    one.cancel(NOW)
    assert one.state is WorkshopState.CANCELLED


def test_blocks_that_make_no_schedule() -> None:
    check_blocks([block(0, 60), block(1, 60)])
    for blocks, field in (
        ([], "blocks"),
        ([block(0, 0)], "blocks.0.ends_at"),
        ([block(0, 60, 60)], "blocks.0.break_minutes"),
        ([block(0, 60, -1)], "blocks.0.break_minutes"),
        ([block(0, 61), block(1, 60)], "blocks.1.starts_at"),
    ):
        with pytest.raises(Invalid) as refused:
            check_blocks(blocks)
        assert list(refused.value.fields) == [field]


def test_a_counter_is_set_to_seats_that_there_are() -> None:
    one = workshop(capacity=2)
    one.check_live_seats(2)
    with pytest.raises(Conflict, match="3 seats are live, of 2"):
        one.check_live_seats(3)
