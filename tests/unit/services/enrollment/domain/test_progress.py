"""Four steps from facts in any order."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.enrollment.domain.enrollment import SeatState
from services.enrollment.domain.progress import (
    AssessmentFacts,
    Coverage,
    CoverageCause,
    MembershipFact,
    Progress,
    Step,
    progress_steps,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def facts(**changes: Any) -> AssessmentFacts:
    values: dict[str, Any] = {
        "eligible": True,
        "released_at": NOW,
        "attended_minutes": 840,
        "required_minutes": 840,
        "participation": True,
        "understanding": True,
        **changes,
    }
    return AssessmentFacts(**values)


def steps(
    progress: Progress | None = None,
    assessment: AssessmentFacts | None = None,
    seat: SeatState = SeatState.KEPT,
    *,
    exam: bool = False,
) -> tuple[Step, ...]:
    return progress_steps(seat, progress, assessment, exam_required=exam)


def covered() -> Progress:
    progress = Progress(enrollment_id=uuid4())
    progress.learn_coverage(Coverage.COVERED, 1, "paid", NOW)
    return progress


def test_the_first_open_step_is_the_current_one() -> None:
    assert [step.state for step in steps(seat=SeatState.HELD)] == ["current", "todo", "todo", "todo"]
    assert [step.state for step in steps(covered())] == ["done", "current", "todo", "todo"]
    assert [step.state for step in steps(covered(), facts())] == ["done", "done", "current", "todo"]


def test_nothing_is_current_behind_a_problem() -> None:
    states = [step.state for step in steps(covered(), facts(eligible=False, understanding=False))]
    assert states == ["done", "problem", "todo", "todo"]


def test_what_is_missing_is_said() -> None:
    text = steps(
        covered(), facts(eligible=False, attended_minutes=720, participation=False, understanding=False)
    )[1].text
    assert "120 minutes" in text
    assert "participation" in text
    assert "understanding" in text
    assert "trainer" in text


@pytest.mark.parametrize(
    ("state", "cause", "word"),
    [
        (Coverage.FROZEN, "disputed", "disputes"),
        (Coverage.UNCOVERED, "refunded", "refunded"),
        (Coverage.UNCOVERED, "dispute_lost", "dispute"),
        (Coverage.UNCOVERED, "paid", "no longer"),
    ],
)
def test_money_that_went_is_a_problem(state: Coverage, cause: CoverageCause, word: str) -> None:
    progress = covered()
    progress.learn_coverage(state, 2, cause, NOW)
    progress.learn_coverage(Coverage.COVERED, 1, "paid", NOW)
    step = steps(progress)[0]
    assert step.state == "problem"
    assert word in step.text


def test_a_lost_seat_is_a_problem_paid_or_not() -> None:
    assert "given back" in steps(seat=SeatState.LOST)[0].text
    assert "returned" in steps(covered(), seat=SeatState.LOST)[0].text


def test_the_membership_says_the_same_in_every_order() -> None:
    told: list[tuple[MembershipFact, int]] = [
        ("requested", 1),
        ("failed", 2),
        ("submitted", 3),
        ("activated", 4),
    ]
    for order in itertools.permutations(told):
        progress = covered()
        for fact, minute in order:
            progress.learn_membership(fact, NOW + timedelta(minutes=minute), "unknown_email")
        assert progress.is_submitted
        assert not progress.has_failed
        assert [step.state for step in steps(progress, facts())] == ["done"] * 4


def test_an_activation_alone_says_that_it_was_submitted() -> None:
    progress = covered()
    progress.learn_membership("activated", NOW)
    assert progress.is_submitted
    assert [step.state for step in steps(progress, facts())] == ["done"] * 4


def test_a_later_request_follows_a_refusal() -> None:
    progress = covered()
    progress.learn_membership("requested", NOW)
    progress.learn_membership("failed", NOW + timedelta(minutes=1), "unknown_email")
    assert steps(progress, facts())[2].state == "problem"
    assert progress.failed_reason == "unknown_email"
    progress.learn_membership("requested", NOW + timedelta(minutes=2))
    assert steps(progress, facts())[2].state == "current"


def test_the_newest_moment_of_a_fact_stays() -> None:
    progress = covered()
    progress.learn_membership("held", NOW, "uncovered")
    progress.learn_membership("held", NOW - timedelta(minutes=1), "older")
    assert (progress.held_at, progress.held_reason) == (NOW, "uncovered")
    assert steps(progress, facts())[2].state == "problem"


def test_a_hold_ends_when_the_money_comes_back() -> None:
    progress = Progress(enrollment_id=uuid4())
    progress.learn_membership("submitted", NOW)
    progress.learn_coverage(Coverage.FROZEN, 2, "disputed", NOW + timedelta(minutes=1))
    progress.learn_membership("held", NOW + timedelta(minutes=2), "coverage_frozen")
    assert progress.is_held(SeatState.KEPT, facts())
    progress.learn_coverage(Coverage.COVERED, 3, "dispute_won", NOW + timedelta(days=9))
    assert not progress.is_held(SeatState.KEPT, facts())


def test_a_hold_is_judged_by_revisions_whatever_the_clocks_say() -> None:
    told: list[tuple[Coverage, int, CoverageCause]] = [
        (Coverage.COVERED, 1, "paid"),
        (Coverage.UNCOVERED, 2, "refunded"),
        (Coverage.COVERED, 3, "paid"),
    ]
    for order in itertools.permutations([*told, None]):
        for hours in (-9, 0, 9):
            progress = Progress(enrollment_id=uuid4())
            progress.learn_membership("submitted", NOW)
            for fact in order:
                if fact is None:
                    progress.learn_membership("held", NOW + timedelta(hours=hours), "uncovered")
                else:
                    progress.learn_coverage(*fact, NOW)
            assert not progress.is_held(SeatState.KEPT, facts())
            progress.learn_coverage(Coverage.UNCOVERED, 4, "refunded", NOW - timedelta(days=1))
            assert progress.is_held(SeatState.KEPT, facts()), (
                "it fell away again, which is told by payment alone"
            )


def test_a_hold_that_is_heard_of_before_its_cause_stands() -> None:
    progress = covered()
    progress.learn_membership("held", NOW - timedelta(hours=9), "uncovered")
    assert progress.is_held(SeatState.KEPT, facts())
    progress.learn_coverage(Coverage.UNCOVERED, 2, "refunded", NOW)
    assert progress.is_held(SeatState.KEPT, facts())


def test_a_hold_for_a_corrected_result_ends_with_the_next_correction() -> None:
    progress = covered()
    progress.learn_membership("held", NOW, "not_eligible")
    assert progress.is_held(SeatState.KEPT, facts(eligible=False))
    assert not progress.is_held(SeatState.KEPT, facts())


DISPUTED = "the payer’s bank disputed the payment"


@pytest.mark.parametrize(
    ("coverage", "seat", "eligible", "reason", "because"),
    [
        (Coverage.UNCOVERED, SeatState.KEPT, True, "uncovered", "the payment fell away"),
        (Coverage.FROZEN, SeatState.KEPT, True, "coverage_frozen", DISPUTED),
        (Coverage.COVERED, SeatState.LOST, True, "seat_lost", "the seat was given back"),
        (Coverage.COVERED, SeatState.KEPT, False, "not_eligible", "the trainer corrected the result"),
        # The hold is told once: what came back is not named, what fell away since is.
        (Coverage.COVERED, SeatState.KEPT, False, "uncovered", "the trainer corrected the result"),
        (Coverage.FROZEN, SeatState.KEPT, False, "x", f"{DISPUTED} and the trainer corrected the result"),
        # Heard of before its cause.
        (None, SeatState.KEPT, True, "coverage_frozen", "the payment fell away"),
        (None, SeatState.KEPT, False, "not_eligible", "the trainer corrected the result"),
        (None, SeatState.KEPT, True, "not_eligible", "something that it needs fell away"),
    ],
)
def test_a_hold_says_what_fell_away(
    coverage: Coverage | None, seat: SeatState, eligible: bool, reason: str, because: str
) -> None:
    progress = Progress(enrollment_id=uuid4())
    progress.learn_membership("submitted", NOW)
    progress.learn_membership("held", NOW, reason)
    if coverage is not None:
        progress.learn_coverage(coverage, 2, "refunded", NOW)
    step = steps(progress, facts(eligible=eligible), seat)[2]
    assert step.state == "problem"
    assert step.text == f"The name was submitted, then {because}. Our office looks into it."


def test_the_newest_certificate_stays() -> None:
    progress, new = covered(), uuid4()
    progress.learn_certificate(new, date(2027, 3, 3), date(2029, 3, 3), NOW)
    progress.learn_certificate(uuid4(), date(2027, 1, 1), date(2029, 1, 1), NOW - timedelta(days=1))
    assert (progress.certificate_id, progress.expires_on) == (new, date(2029, 3, 3))


def test_an_exam_is_mentioned_where_there_is_one() -> None:
    assert "exam" in steps(exam=True)[3].text
    assert "exam" not in steps(exam=False)[3].text
