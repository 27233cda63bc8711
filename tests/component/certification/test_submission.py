"""The submission around its call: lost answers, holds in between, refusals, and two workers at once."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.certification import handlers
from services.certification.commands import RecordAcceptance, ResubmitMembership
from services.certification.domain.submission import Submission, SubmissionState
from services.certification.gateways.base import MembershipRequest
from shared.contracts.certification import (
    CertificateHeld,
    MembershipActivationFailed,
    MembershipActivationRequested,
    MembershipSubmitted,
)
from shared.errors import Conflict
from tests.component.certification.events import TRAINER, Story
from tests.component.certification.line import HandWork, Line


def test_the_request_names_the_person_and_our_reference(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    (request,) = line.registry.requests
    join = line.join(story.enrollment_id)
    assert request == MembershipRequest(
        reference=str(join.activation_id), course_code="CSPO", given_name="Ada", family_name="Lovelace",
        email="ada@home.example",
    )  # fmt: skip
    (submission,) = line.submissions()
    assert (submission.state, submission.revision) == (SubmissionState.ACCEPTED, 1)
    (submitted,) = line.said_of(MembershipSubmitted)
    assert submitted.activation_id == join.activation_id


def test_personal_data_never_shows_in_the_requests_own_words(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    assert "Ada" not in repr(line.registry.requests)
    assert "ada@" not in repr(line.registry.requests)


def test_a_lost_answer_is_looked_up_and_not_sent_again(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.lose_answers = 1
    line.work()
    assert line.join(story.enrollment_id).state == "sending"
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]
    assert len(line.said_of(MembershipSubmitted)) == 1


def test_negative_control_without_the_look_up_a_lost_answer_is_sent_twice(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line.registry, "look_up", lambda reference: None)
    story = Story()
    line.tell(*story.all_good())
    line.registry.lose_answers = 1
    line.work()
    line.work()
    assert list(line.registry.accepted.values()) == [2]


def test_refunded_while_the_answer_was_lost_and_the_name_was_out_ends_flagged(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.lose_answers = 1
    line.work()
    line.tell(story.refunded())
    line.work()
    assert line.join(story.enrollment_id).state == "flagged"
    assert [held.reason for held in line.said_of(CertificateHeld)] == ["uncovered"]


def test_refunded_while_the_registry_was_away_is_withheld(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.away = True
    line.work()
    line.tell(story.refunded())
    line.registry.away = False
    line.work()
    assert line.join(story.enrollment_id).state == "withheld"
    assert not line.registry.accepted
    assert not line.said_of(CertificateHeld)


def test_a_call_that_arrives_after_it_was_given_up_is_found_and_flagged(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.away = True
    line.work()
    line.tell(story.refunded())
    line.registry.away = False
    line.work()
    (submission,) = line.submissions()
    assert submission.state is SubmissionState.ABANDONED
    line.registry.submit(_request_of(submission))
    line.check()
    assert line.join(story.enrollment_id).state == "flagged"
    assert len(line.said_of(CertificateHeld)) == 1


def test_a_given_up_call_is_not_looked_for_for_ever(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.away = True
    line.work()
    line.tell(story.refunded())
    line.registry.away = False
    line.work()
    for _ in range(60):
        line.clock.advance(timedelta(hours=1))
        line.check()
    (submission,) = line.submissions()
    assert submission.next_check_at is None


def test_a_dispute_that_is_won_lets_the_name_go_under_the_same_activation(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.tell(story.disputed())
    line.work()
    assert line.join(story.enrollment_id).state == "withheld"
    line.tell(story.dispute_won())
    line.work()
    first, second = line.said_of(MembershipActivationRequested)
    assert (first.activation_id, first.submission_revision) == (
        second.activation_id,
        second.submission_revision,
    )
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]


def test_a_hold_that_ends_lifts_the_flag_and_is_told_once(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    line.tell(story.disputed())
    assert line.join(story.enrollment_id).state == "flagged"
    line.tell(story.dispute_won())
    assert line.join(story.enrollment_id).state == "submitted"
    line.tell(story.refunded(revision=4))
    assert line.join(story.enrollment_id).state == "flagged"
    assert len(line.said_of(CertificateHeld)) == 1


def test_a_withdrawn_result_after_sending_flags(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    line.tell(story.assessed(revision=2, eligible=False))
    assert [held.reason for held in line.said_of(CertificateHeld)] == ["not_eligible"]


def test_a_refusal_is_told_with_its_reason_and_not_tried_again(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.refuse = "unknown_email"
    line.work()
    assert not line.pending
    (failed,) = line.said_of(MembershipActivationFailed)
    assert failed.reason == "unknown_email"
    assert line.join(story.enrollment_id).state == "refused"


def correction(story: Story, **more: Any) -> ResubmitMembership:
    values: dict[str, Any] = {
        "enrollment_id": story.enrollment_id, "registry_email": "right@home.example", "reason": "she rang us",
        "actor_id": TRAINER, "actor_name": "Olga Ops", **more,
    }  # fmt: skip
    return ResubmitMembership(**values)


def test_a_correction_is_the_second_revision_with_reason_and_actor(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.refuse = "unknown_email"
    line.work()
    line.registry.refuse = None
    with line.transactions.begin() as tx:
        handlers.resubmit_membership(correction(story), tx)
    # A later seat fact brings the old address again; the correction outlives it.
    line.tell(story.confirmed(revision=2))
    line.work()
    first, second = line.submissions()
    assert (first.state, second.state) == (SubmissionState.REFUSED, SubmissionState.ACCEPTED)
    assert (second.revision, second.registry_email) == (2, "right@home.example")
    assert list(line.registry.accepted) == [second.reference]
    assert line.join(story.enrollment_id).state == "submitted"


@pytest.mark.parametrize("refused", [False, True])
def test_no_second_revision_without_a_refusal_or_against_a_hold(line: Line, refused: bool) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.refuse = "unknown_email" if refused else None
    line.work()
    line.tell(story.refunded())
    with pytest.raises(Conflict), line.transactions.begin() as tx:
        handlers.resubmit_membership(correction(story), tx)
    assert line.join(story.enrollment_id).submission_revision == 1


def test_two_workers_with_two_requests_make_one_call(line: Line) -> None:
    """The slower one finds the name held, waits for its retry, and then finds it submitted."""
    story = Story()
    line.tell(*story.all_good())
    ((message_id, event),) = line.pending
    inside, go_on = threading.Event(), threading.Event()

    def wait(request: MembershipRequest) -> None:
        inside.set()
        assert go_on.wait(10)

    line.registry.before_accepting = wait
    first = threading.Thread(target=line.perform, args=(event, message_id))
    first.start()
    assert inside.wait(10)
    finished = line.perform(event, str(uuid4()))
    go_on.set()
    first.join(10)
    assert not finished
    assert line.perform(event, str(uuid4()))
    assert list(line.registry.accepted.values()) == [1]
    assert len(line.said_of(MembershipSubmitted)) == 1


def test_a_late_finisher_looks_again_instead_of_calling(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    line.tell(*story.all_good())
    ((message_id, event),) = line.pending
    passing = iter((0.0, 3600.0))
    monkeypatch.setattr("services.certification.tasks.time.monotonic", lambda: next(passing))
    assert not line.perform(event, message_id)
    assert not line.registry.accepted


def test_a_second_row_for_one_revision_cannot_exist(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    (submission,) = line.submissions()
    with pytest.raises(IntegrityError), line.transactions.begin() as tx:
        tx.add(
            Submission(
                reference="another",
                activation_id=submission.activation_id,
                revision=1,
                enrollment_id=submission.enrollment_id,
                course_code="CSPO",
                given_name="Ada",
                family_name="Lovelace",
                registry_email="ada@home.example",
                stored_at=line.clock.now(),
            )
        )


def test_an_answer_recorded_twice_is_one(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    with line.transactions.begin() as tx:
        handlers.record_acceptance(RecordAcceptance(enrollment_id=story.enrollment_id, revision=1), tx)
    assert len(line.said_of(MembershipSubmitted)) == 1


def test_an_old_request_after_everything_is_done_changes_nothing(line: Line) -> None:
    story = Story()
    line.tell(*story.all_good())
    ((_, event),) = line.pending
    line.work()
    work = HandWork(line.transactions, str(uuid4()))
    line.table[MembershipActivationRequested.TYPE].perform(event, work)  # type: ignore[union-attr]  # a task
    assert work.completed
    assert list(line.registry.accepted.values()) == [1]


def _request_of(submission: Submission) -> MembershipRequest:
    return MembershipRequest(
        reference=submission.reference, course_code=submission.course_code,
        given_name=submission.given_name, family_name=submission.family_name,
        email=submission.registry_email,
    )  # fmt: skip
