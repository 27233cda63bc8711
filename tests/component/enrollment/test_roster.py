"""Attendance, decisions, completion and corrections: the trainer's side."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.enrollment import handlers
from services.enrollment.commands import (
    BlockMinutes,
    CancelWorkshop,
    CompleteWorkshop,
    CorrectAssessment,
    Decision,
    MarkEveryonePresent,
    PublishWorkshop,
    RecordAttendance,
    RecordDecisions,
)
from services.enrollment.domain import WorkshopState
from services.enrollment.domain.errors import (
    AlreadySubmitted,
    BadMinutes,
    NotOverYet,
    NotYourWorkshop,
    RosterIncomplete,
    ScheduleTooShort,
    WrongWorkshopState,
)
from shared.contracts.certification import MembershipActivated, MembershipSubmitted
from shared.contracts.enrollment import EnrollmentAssessed, WorkshopCompleted
from shared.errors import Conflict, Invalid
from tests.component.enrollment.news import paid
from tests.component.enrollment.shop import Shop

TO_THE_END = timedelta(days=9)


def complete(shop: Shop, workshop_id: UUID, actor_id: UUID | None = None) -> None:
    """The trainer completes the workshop."""
    with shop.service.transactions.begin() as tx:
        handlers.complete_workshop(
            CompleteWorkshop(workshop_id=workshop_id, actor_id=actor_id or shop.trainer_id), tx
        )


def record(shop: Shop, workshop_id: UUID, *entries: BlockMinutes) -> None:
    """The trainer notes minutes."""
    with shop.service.transactions.begin() as tx:
        handlers.record_attendance(
            RecordAttendance(workshop_id=workshop_id, actor_id=shop.trainer_id, minutes=entries), tx
        )


def correct(shop: Shop, enrollment_id: UUID, **changes: Any) -> bool:
    """The trainer corrects one attendee."""
    command = CorrectAssessment(
        enrollment_id=enrollment_id,
        actor_id=shop.trainer_id,
        **{"reason": "the list was wrong", **changes},
    )
    with shop.service.transactions.begin() as tx:
        return handlers.correct_assessment(command, tx)


def submitted(placed: handlers.PlacedBooking, shop: Shop) -> MembershipSubmitted:
    """Certification's word that the first attendee's name was submitted."""
    return MembershipSubmitted(
        enrollment_id=placed.enrollment_ids[0],
        booking_id=placed.booking_id,
        activation_id=uuid4(),
        course_code="CSPO",
        occurred_at=shop.clock.now(),
    )


def test_a_short_schedule_is_not_published(shop: Shop) -> None:
    workshop_id = shop.plan(course_code="CSM", publish=False)
    with pytest.raises(ScheduleTooShort, match="120 minutes are missing"):
        with shop.service.transactions.begin() as tx:
            handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
    assert shop.workshop(workshop_id).state is WorkshopState.DRAFT
    assert shop.workshop(shop.plan()).required_minutes == 840


def test_everything_recorded_completes_and_releases(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 3)
    shop.book(workshop_id, 1)
    shop.clock.advance(TO_THE_END)
    shop.fill_roster(workshop_id)
    complete(shop, workshop_id)

    assessed = shop.said(EnrollmentAssessed)
    assert {event.enrollment_id for event in assessed} == set(placed.enrollment_ids)
    for event in assessed:
        assert (event.revision, event.eligible, event.reasons) == (1, True, ())
        assert (event.attended_minutes, event.required_minutes) == (840, 840)
        assert (event.released_by, event.course_code) == (shop.trainer_id, "CSPO")
    (completed,) = shop.said(WorkshopCompleted)
    assert completed.completed_by == shop.trainer_id
    assert shop.workshop(workshop_id).state is WorkshopState.COMPLETED
    with pytest.raises(WrongWorkshopState):
        complete(shop, workshop_id)
    assert len(shop.said(WorkshopCompleted)) == 1


def test_one_minute_less_is_not_eligible(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id)
    shop.clock.advance(TO_THE_END)
    block = shop.roster(workshop_id).blocks[0]
    record(
        shop,
        workshop_id,
        BlockMinutes(enrollment_id=placed.enrollment_ids[0], block_id=block.block_id, minutes=419),
    )
    shop.fill_roster(workshop_id, understanding=False)
    complete(shop, workshop_id)
    (event,) = shop.said(EnrollmentAssessed)
    assert (event.attended_minutes, event.eligible) == (839, False)
    assert event.reasons == ("minutes_missing", "understanding_missing")
    assert (event.participation, event.understanding) == (True, False)


def test_only_the_workshops_own_trainer(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.clock.advance(TO_THE_END)
    stranger = uuid4()
    with pytest.raises(NotYourWorkshop):
        complete(shop, workshop_id, stranger)
    with pytest.raises(NotYourWorkshop), shop.service.transactions.begin() as tx:
        handlers.mark_everyone_present(MarkEveryonePresent(workshop_id=workshop_id, actor_id=stranger), tx)


def test_not_before_the_last_block_has_ended(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.confirmed(workshop_id)
    shop.fill_roster(workshop_id)
    shop.clock.advance(timedelta(days=8, hours=8) - timedelta(seconds=1))
    with pytest.raises(NotOverYet):
        complete(shop, workshop_id)
    shop.clock.advance(timedelta(seconds=1))
    complete(shop, workshop_id)


def test_an_incomplete_roster_says_who_lacks_what(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    shop.clock.advance(TO_THE_END)
    first, second = placed.enrollment_ids
    with shop.service.transactions.begin() as tx:
        handlers.mark_everyone_present(
            MarkEveryonePresent(workshop_id=workshop_id, actor_id=shop.trainer_id), tx
        )
        handlers.record_decisions(
            RecordDecisions(
                workshop_id=workshop_id,
                actor_id=shop.trainer_id,
                decisions=(
                    Decision(enrollment_id=first, subject="participation", value=True),
                    Decision(enrollment_id=first, subject="understanding", value=False, note="not yet"),
                    Decision(enrollment_id=second, subject="participation", value=True),
                ),
            ),
            tx,
        )
    with pytest.raises(RosterIncomplete) as refused:
        complete(shop, workshop_id)
    assert refused.value.fields == {str(second): ["Decide about understanding."]}
    entry = next(entry for entry in shop.roster(workshop_id).entries if entry.enrollment_id == first)
    assert entry.understanding.value is False
    assert entry.understanding.note == "not yet"
    assert entry.understanding.by_name == "Mira Lindqvist"
    assert shop.said(EnrollmentAssessed) == []


def test_minutes_stay_within_their_block(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id)
    person, block = placed.enrollment_ids[0], shop.roster(workshop_id).blocks[0].block_id
    for bad in (
        BlockMinutes(enrollment_id=person, block_id=block, minutes=421),
        BlockMinutes(enrollment_id=person, block_id=block, minutes=-1),
        BlockMinutes(enrollment_id=person, block_id=uuid4(), minutes=1),
        BlockMinutes(enrollment_id=uuid4(), block_id=block, minutes=1),
    ):
        with pytest.raises(BadMinutes) as refused:
            record(shop, workshop_id, bad)
        assert list(refused.value.fields) == [f"minutes.{bad.enrollment_id}.{bad.block_id}"]
    assert shop.count("attendance") == 0
    record(shop, workshop_id, BlockMinutes(enrollment_id=person, block_id=block, minutes=420))
    record(shop, workshop_id, BlockMinutes(enrollment_id=person, block_id=block, minutes=0))
    assert shop.roster(workshop_id).entries[0].minutes == {block: 0}


def test_everyone_present_leaves_what_is_recorded(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    block = shop.roster(workshop_id).blocks[1].block_id
    record(
        shop, workshop_id, BlockMinutes(enrollment_id=placed.enrollment_ids[0], block_id=block, minutes=60)
    )
    with shop.service.transactions.begin() as tx:
        handlers.mark_everyone_present(
            MarkEveryonePresent(workshop_id=workshop_id, actor_id=shop.trainer_id, block_id=block), tx
        )
    minutes = {entry.enrollment_id: dict(entry.minutes) for entry in shop.roster(workshop_id).entries}
    assert minutes == {placed.enrollment_ids[0]: {block: 60}, placed.enrollment_ids[1]: {block: 420}}


def test_a_correction_releases_the_next_revision(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    shop.clock.advance(TO_THE_END)
    shop.fill_roster(workshop_id, understanding=False)
    complete(shop, workshop_id)
    person = placed.enrollment_ids[0]
    right = (Decision(enrollment_id=person, subject="understanding", value=True),)

    with pytest.raises(WrongWorkshopState):
        record(shop, workshop_id)
    with pytest.raises(Invalid, match="why"):
        correct(shop, person, decisions=right, reason=" ")
    assert correct(shop, person, decisions=right)
    assert not correct(shop, person, decisions=right)
    revisions = [
        (event.revision, event.eligible)
        for event in shop.said(EnrollmentAssessed)
        if event.enrollment_id == person
    ]
    assert revisions == [(1, False), (2, True)]


@pytest.mark.parametrize("fact", ["submitted", "activated"])
def test_after_submission_no_correction(shop: Shop, fact: str) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id)
    shop.clock.advance(TO_THE_END)
    shop.fill_roster(workshop_id)
    complete(shop, workshop_id)
    news = submitted(placed, shop)
    if fact == "activated":
        shop.tell(MembershipActivated(**vars(news)))
    else:
        shop.tell(news)
    wrong = (Decision(enrollment_id=placed.enrollment_ids[0], subject="participation", value=False),)
    with pytest.raises(AlreadySubmitted):
        correct(shop, placed.enrollment_ids[0], decisions=wrong)
    assert len(shop.said(EnrollmentAssessed)) == 1
    assert shop.roster(workshop_id).entries[0].participation.value is True


def test_a_seat_confirmed_after_completion_is_released_by_correction(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.clock.advance(timedelta(days=6, hours=23, minutes=55))
    placed = shop.book(workshop_id)
    shop.clock.advance(TO_THE_END)
    complete(shop, workshop_id)
    assert shop.said(EnrollmentAssessed) == []
    # The worker was away: the news of a payment made in time comes before the timer runs.
    shop.tell(paid(placed))
    person = placed.enrollment_ids[0]
    assert [entry.missing != () for entry in shop.roster(workshop_id).entries] == [True]
    blocks = shop.roster(workshop_id).blocks
    assert correct(
        shop,
        person,
        minutes=tuple(
            BlockMinutes(enrollment_id=person, block_id=block.block_id, minutes=420) for block in blocks
        ),
        decisions=(
            Decision(enrollment_id=person, subject="participation", value=True),
            Decision(enrollment_id=person, subject="understanding", value=True),
        ),
    )
    (event,) = shop.said(EnrollmentAssessed)
    assert (event.revision, event.eligible) == (1, True)


def test_a_workshop_with_seats_taken_is_not_cancelled(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.book(workshop_id)
    with pytest.raises(Conflict, match="1 seat is taken"), shop.service.transactions.begin() as tx:
        handlers.cancel_workshop(CancelWorkshop(workshop_id=workshop_id), tx)
    empty = shop.plan()
    with shop.service.transactions.begin() as tx:
        handlers.cancel_workshop(CancelWorkshop(workshop_id=empty), tx)
    assert shop.workshop(empty).state is WorkshopState.CANCELLED
