"""After the submission: the activation is noticed, and the certificate follows it, or the exam."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from services.certification import handlers, tasks
from services.certification.commands import RecordCheck, RecordExam
from services.certification.gateways.base import MemberRecord
from shared.contracts.certification import CertificateIssued, MembershipActivated
from shared.db.transaction import Tx
from shared.errors import Conflict, Invalid, Permanent
from tests.component.certification.events import Story
from tests.component.certification.line import START, Line


def activate(line: Line, story: Story, at: datetime = START, issued_on: date | None = None) -> None:
    reference = str(line.join(story.enrollment_id).activation_id)
    line.registry.records[reference] = MemberRecord(reference=reference, activated_at=at, issued_on=issued_on)
    line.check()


def submitted(line: Line, course_code: str = "CSPO") -> Story:
    story = Story(course_code=course_code)
    line.tell(*story.all_good())
    line.work()
    return story


def test_the_activation_is_told_once_with_the_moment_the_registry_gives(line: Line) -> None:
    story = submitted(line)
    at = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
    activate(line, story, at)
    line.clock.advance(timedelta(days=3))
    line.check()
    (activated,) = line.said_of(MembershipActivated)
    assert activated.occurred_at == at
    (issued,) = line.said_of(CertificateIssued)
    # 02:00 UTC is still the evening before in Toronto.
    assert (issued.issued_on, issued.expires_on) == (date(2026, 3, 2), date(2028, 3, 2))


def test_the_registrys_own_date_of_issue_wins(line: Line) -> None:
    story = submitted(line)
    activate(line, story, issued_on=date(2024, 2, 29))
    (issued,) = line.said_of(CertificateIssued)
    assert (issued.issued_on, issued.expires_on) == (date(2024, 2, 29), date(2026, 2, 28))


def test_without_the_booking_the_certificate_waits_for_the_workshops_zone(line: Line) -> None:
    story = Story()
    line.tell(story.confirmed(), story.paid(), story.assessed())
    line.work()
    activate(line, story)
    assert not line.said_of(CertificateIssued)
    line.tell(story.placed())
    assert len(line.said_of(CertificateIssued)) == 1


def test_a_course_with_an_exam_gets_its_certificate_from_the_exam(line: Line) -> None:
    story = submitted(line, "CSM")
    with pytest.raises(Conflict), line.transactions.begin() as tx:
        handlers.record_exam(RecordExam(enrollment_id=story.enrollment_id, passed_on=START.date()), tx)
    activate(line, story)
    assert not line.said_of(CertificateIssued)
    line.clock.advance(timedelta(days=20))
    with pytest.raises(Invalid), line.transactions.begin() as tx:
        handlers.record_exam(RecordExam(enrollment_id=story.enrollment_id, passed_on=date(2030, 1, 1)), tx)
    with line.transactions.begin() as tx:
        handlers.record_exam(RecordExam(enrollment_id=story.enrollment_id, passed_on=date(2026, 3, 20)), tx)
    (issued,) = line.said_of(CertificateIssued)
    assert issued.issued_on == date(2026, 3, 20)


def test_the_registrys_date_of_issue_says_that_the_exam_was_passed(line: Line) -> None:
    story = submitted(line, "CSM")
    activate(line, story)
    line.clock.advance(timedelta(days=30))
    activate(line, story, issued_on=date(2026, 3, 30))
    (issued,) = line.said_of(CertificateIssued)
    assert issued.issued_on == date(2026, 3, 30)
    assert line.submissions()[0].next_check_at is None


def test_on_hold_nothing_is_issued_until_the_hold_ends(line: Line) -> None:
    story = submitted(line)
    line.tell(story.disputed())
    activate(line, story)
    assert len(line.said_of(MembershipActivated)) == 1
    assert not line.said_of(CertificateIssued)
    line.tell(story.dispute_won())
    assert len(line.said_of(CertificateIssued)) == 1


def test_the_registry_is_asked_less_and_less_often(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(line)
    asked: list[timedelta] = []
    ask = line.registry.look_up

    def look_up(reference: str) -> MemberRecord | None:
        asked.append(line.clock.now() - START)
        return ask(reference)

    monkeypatch.setattr(line.registry, "look_up", look_up)
    # Every minute at first, then every ten: to two days.
    for step in [1] * 120 + [10] * 276:
        line.check(poll_seconds=60)
        line.clock.advance(timedelta(minutes=step))
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits[0] == timedelta(minutes=1)
    assert max(waits) == timedelta(hours=1)
    assert waits == sorted(waits)
    assert len(asked) < 100


def test_a_check_asks_for_a_bounded_number_the_longest_due_first(line: Line) -> None:
    stories = [Story() for _ in range(25)]
    for story in stories:
        line.tell(*story.all_good())
    line.work()
    asked: list[str] = []
    ask = line.registry.look_up

    def look_up(reference: str) -> MemberRecord | None:
        asked.append(reference)
        return ask(reference)

    line.registry.look_up = look_up  # type: ignore[method-assign]  # a counter in front of it
    line.check()
    assert len(asked) == 20
    line.check()
    assert len(set(asked)) == 25


def test_while_the_registry_is_away_names_stay_due(line: Line) -> None:
    stories = [submitted(line) for _ in range(3)]
    line.registry.away = True
    line.check()
    line.registry.away = False
    line.clock.advance(timedelta(minutes=1))
    for story in stories:
        activate(line, story)
    line.clock.advance(timedelta(minutes=1))
    line.check()
    assert len(line.said_of(MembershipActivated)) == 3


def test_one_name_the_registry_chokes_on_does_not_hold_up_the_others(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, *others = [submitted(line) for _ in range(3)]
    bad = str(line.join(poison.enrollment_id).activation_id)
    for story in others:
        reference = str(line.join(story.enrollment_id).activation_id)
        line.registry.records[reference] = MemberRecord(reference=reference, activated_at=START)
    ask = line.registry.look_up

    def look_up(reference: str) -> MemberRecord | None:
        if reference == bad:
            raise Permanent("400")
        return ask(reference)

    monkeypatch.setattr(line.registry, "look_up", look_up)
    line.check()
    line.check()
    assert len(line.said_of(MembershipActivated)) == 2


def test_one_name_that_cannot_be_recorded_does_not_hold_up_the_others(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "CHECKS_AT_ONCE", 2)
    stories = [submitted(line) for _ in range(4)]
    for story in stories:
        reference = str(line.join(story.enrollment_id).activation_id)
        line.registry.records[reference] = MemberRecord(reference=reference, activated_at=START)
    poison = {submission.enrollment_id for submission in line.submissions()[:2]}
    record = handlers.record_check

    def record_check(command: RecordCheck, tx: Tx) -> None:
        record(command, tx)
        if command.enrollment_id in poison:
            raise ValueError("this row breaks a rule")

    monkeypatch.setattr(handlers, "record_check", record_check)
    line.check()
    line.check()
    assert {told.enrollment_id for told in line.said_of(MembershipActivated)} >= {
        story.enrollment_id for story in stories
    } - poison
    # They wait their turn, and are asked about again.
    monkeypatch.undo()
    line.clock.advance(timedelta(minutes=1))
    line.check()
    assert all(line.join(story.enrollment_id).activated_at == START for story in stories)
