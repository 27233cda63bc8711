"""Attendance, the trainer's two decisions, completion and corrections.

Every handler here locks the workshop's row first: what is recorded for its people changes under that lock.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.enrollment import repository
from services.enrollment.commands import (
    BlockMinutes,
    CompleteWorkshop,
    CorrectAssessment,
    Decision,
    MarkEveryonePresent,
    RecordAttendance,
    RecordDecisions,
)
from services.enrollment.domain import (
    Assessment,
    Attendance,
    Block,
    Enrollment,
    Progress,
    SeatState,
    Workshop,
    WorkshopState,
)
from services.enrollment.domain.attendance import MAX_NOTE, judge, what_is_missing
from services.enrollment.domain.errors import (
    AlreadySubmitted,
    BadMinutes,
    RosterIncomplete,
    UnknownWorkshop,
    WrongWorkshopState,
)
from shared.contracts.enrollment import EnrollmentAssessed, WorkshopCompleted
from shared.db.transaction import Tx
from shared.errors import Invalid, NotFound


def record_attendance(command: RecordAttendance, tx: Tx) -> None:
    """Note minutes per person and block; all of them, or none when one is wrong."""
    workshop = _workshop(command.workshop_id, tx)
    workshop.check_recording(command.actor_id)
    _write_minutes(workshop, command.minutes, command.actor_id, tx)


def mark_everyone_present(command: MarkEveryonePresent, tx: Tx) -> None:
    """Set what is missing to the whole block; minutes already recorded stay."""
    workshop = _workshop(command.workshop_id, tx)
    workshop.check_recording(command.actor_id)
    blocks = repository.blocks_of_workshop(tx.session, workshop.workshop_id)
    if command.block_id is not None:
        blocks = [block for block in blocks if block.block_id == command.block_id]
        if not blocks:
            raise NotFound("unknown_block", "This workshop has no such block.")
    enrollments = repository.kept_enrollments(tx.session, workshop.workshop_id)
    known = repository.attendance_of(tx.session, [enrollment.enrollment_id for enrollment in enrollments])
    now = tx.now()
    tx.session.add_all(
        Attendance(
            enrollment_id=enrollment.enrollment_id,
            block_id=block.block_id,
            minutes=block.contact_minutes,
            recorded_by=command.actor_id,
            recorded_at=now,
        )
        for enrollment in enrollments
        for block in blocks
        if (enrollment.enrollment_id, block.block_id) not in known
    )
    tx.flush()


def record_decisions(command: RecordDecisions, tx: Tx) -> None:
    """Note the trainer's decisions, each with who and when."""
    workshop = _workshop(command.workshop_id, tx)
    workshop.check_recording(command.actor_id)
    _write_decisions(workshop, command.decisions, command.actor_id, tx)


def complete_workshop(command: CompleteWorkshop, tx: Tx) -> None:
    """Close the workshop and release a verdict on every confirmed attendee."""
    workshop = _workshop(command.workshop_id, tx)
    workshop.check_completion(command.actor_id, tx.now())
    enrollments = repository.kept_enrollments(tx.session, workshop.workshop_id)
    ids = [enrollment.enrollment_id for enrollment in enrollments]
    blocks = repository.blocks_of_workshop(tx.session, workshop.workshop_id)
    assessments = repository.assessments_of(tx.session, ids)
    minutes = _minutes_by_person(repository.attendance_of(tx.session, ids))
    missing = {
        enrollment_id: texts
        for enrollment_id in ids
        if (texts := what_is_missing(blocks, minutes.get(enrollment_id, {}), assessments.get(enrollment_id)))
    }
    if missing:
        raise RosterIncomplete(missing)
    now = tx.now()
    workshop.complete(command.actor_id, now)
    for enrollment in enrollments:
        assessment = assessments[enrollment.enrollment_id]
        _release(
            workshop, enrollment, assessment, minutes.get(enrollment.enrollment_id, {}), command.actor_id, tx
        )
    tx.publish(
        WorkshopCompleted(workshop_id=workshop.workshop_id, completed_at=now, completed_by=command.actor_id)
    )


def correct_assessment(command: CorrectAssessment, tx: Tx) -> bool:
    """Change one attendee's record after completion and release it again; whether anything was released.

    Also the way to release somebody whose seat was confirmed only after the workshop had been completed.
    """
    found = tx.session.get(Enrollment, command.enrollment_id)
    if found is None:
        raise NotFound("unknown_enrollment", "There is no such attendee.")
    workshop = _workshop(found.workshop_id, tx)
    workshop.check_trainer(command.actor_id)
    if workshop.state is not WorkshopState.COMPLETED:
        raise WrongWorkshopState("Corrections come after completion. Change the roster itself.")
    if found.seat is not SeatState.KEPT:
        raise WrongWorkshopState("This attendee has no confirmed seat.")
    progress = tx.get_for_update(Progress, command.enrollment_id)
    if progress is not None and progress.is_submitted:
        raise AlreadySubmitted
    reason = command.reason.strip()
    if not reason or len(reason) > MAX_NOTE:
        text = f"Say in at most {MAX_NOTE} characters why you correct this."
        raise Invalid("reason_missing", text, fields={"reason": [text]})
    changed = _write_minutes(workshop, command.minutes, command.actor_id, tx)
    changed |= _write_decisions(workshop, command.decisions, command.actor_id, tx)
    blocks = repository.blocks_of_workshop(tx.session, workshop.workshop_id)
    minutes = _minutes_by_person(repository.attendance_of(tx.session, [found.enrollment_id]))
    own_minutes = minutes.get(found.enrollment_id, {})
    assessment = repository.assessments_of(tx.session, [found.enrollment_id]).get(found.enrollment_id)
    if missing := what_is_missing(blocks, own_minutes, assessment):
        raise RosterIncomplete({found.enrollment_id: missing})
    assert assessment is not None
    if not changed and assessment.revision:
        return False
    assessment.correction_reason = reason
    _release(workshop, found, assessment, own_minutes, command.actor_id, tx)
    return True


def _release(
    workshop: Workshop,
    enrollment: Enrollment,
    assessment: Assessment,
    minutes: Mapping[UUID, int],
    actor_id: UUID,
    tx: Tx,
) -> None:
    assert workshop.required_minutes is not None
    verdict = judge(list(minutes.values()), assessment, workshop.required_minutes)
    now = tx.now()
    assessment.release(verdict, by=actor_id, at=now)
    tx.publish(
        EnrollmentAssessed(
            enrollment_id=enrollment.enrollment_id,
            booking_id=enrollment.booking_id,
            workshop_id=workshop.workshop_id,
            course_code=workshop.course_code,
            revision=assessment.revision,
            attended_minutes=verdict.attended_minutes,
            required_minutes=verdict.required_minutes,
            participation=verdict.participation,
            understanding=verdict.understanding,
            eligible=verdict.eligible,
            reasons=verdict.reasons,
            released_by=actor_id,
            assessed_at=now,
        )
    )


def _write_minutes(workshop: Workshop, entries: Sequence[BlockMinutes], actor_id: UUID, tx: Tx) -> bool:
    blocks = {
        block.block_id: block for block in repository.blocks_of_workshop(tx.session, workshop.workshop_id)
    }
    people = {
        enrollment.enrollment_id
        for enrollment in repository.kept_enrollments(tx.session, workshop.workshop_id)
    }
    wrong = {
        f"minutes.{entry.enrollment_id}.{entry.block_id}": [text]
        for entry in entries
        if (text := _complaint(entry, blocks, people))
    }
    if wrong:
        raise BadMinutes(wrong)
    known = repository.attendance_of(tx.session, {entry.enrollment_id for entry in entries})
    now, changed = tx.now(), False
    for entry in entries:
        row = known.get((entry.enrollment_id, entry.block_id))
        if row is not None and row.minutes == entry.minutes:
            continue
        changed = True
        if row is not None:
            row.minutes, row.recorded_by, row.recorded_at = entry.minutes, actor_id, now
            continue
        row = Attendance(
            enrollment_id=entry.enrollment_id,
            block_id=entry.block_id,
            minutes=entry.minutes,
            recorded_by=actor_id,
            recorded_at=now,
        )
        known[entry.enrollment_id, entry.block_id] = row
        tx.session.add(row)
    # What follows in this transaction (a completion, a verdict) reads what was just written.
    tx.flush()
    return changed


def _complaint(entry: BlockMinutes, blocks: Mapping[UUID, Block], people: set[UUID]) -> str | None:
    block = blocks.get(entry.block_id)
    if block is None:
        return "This workshop has no such block."
    if entry.enrollment_id not in people:
        return "This workshop has no such confirmed attendee."
    if not 0 <= entry.minutes <= block.contact_minutes:
        return f"Enter minutes between 0 and {block.contact_minutes}."
    return None


def _write_decisions(workshop: Workshop, decisions: Sequence[Decision], actor_id: UUID, tx: Tx) -> bool:
    people = {
        enrollment.enrollment_id
        for enrollment in repository.kept_enrollments(tx.session, workshop.workshop_id)
    }
    wrong: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.enrollment_id not in people:
            wrong[f"{decision.subject}.{decision.enrollment_id}"] = [
                "This workshop has no such confirmed attendee."
            ]
        elif len(decision.note or "") > MAX_NOTE:
            wrong[f"{decision.subject}_note.{decision.enrollment_id}"] = [
                f"Enter at most {MAX_NOTE} characters."
            ]
    if wrong:
        raise Invalid("bad_decisions", "Correct the decisions that are marked.", fields=wrong)
    known = repository.assessments_of(tx.session, {decision.enrollment_id for decision in decisions})
    now, changed = tx.now(), False
    for decision in decisions:
        assessment = known.get(decision.enrollment_id)
        if assessment is None:
            assessment = known[decision.enrollment_id] = Assessment(enrollment_id=decision.enrollment_id)
            tx.add(assessment)
        note = (decision.note or "").strip() or None
        changed |= assessment.decide(decision.subject, decision.value, by=actor_id, at=now, note=note)
    tx.flush()
    return changed


def _minutes_by_person(attendance: Mapping[tuple[UUID, UUID], Attendance]) -> dict[UUID, dict[UUID, int]]:
    minutes: dict[UUID, dict[UUID, int]] = {}
    for (enrollment_id, block_id), row in attendance.items():
        minutes.setdefault(enrollment_id, {})[block_id] = row.minutes
    return minutes


def _workshop(workshop_id: UUID, tx: Tx) -> Workshop:
    workshop = tx.get_for_update(Workshop, workshop_id)
    if workshop is None:
        raise UnknownWorkshop
    return workshop
