"""Every order and repetition, whenever the task runs: the same facts, at most one submission, and flags."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations, product
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from services.certification.domain.activation import activation_id_of
from services.certification.domain.facts import Coverage, CoverageFact, Facts, Seat
from services.certification.domain.join import Join
from services.certification.domain.judgement import judge
from services.certification.gateways.base import MembershipRequest
from services.certification.handlers import submissions
from shared.contracts.certification import (
    CertificateHeld,
    MembershipActivationRequested,
    MembershipSubmitted,
)
from shared.messaging.event import Event
from tests.component.certification.events import Story
from tests.component.certification.line import Line

MOVES: dict[str, Callable[[Story], Event]] = {
    "confirmed": Story.confirmed,
    "paid": Story.paid,
    "assessed": Story.assessed,
    "refunded": Story.refunded,
    "disputed": Story.disputed,
    "dispute_won": Story.dispute_won,
    "refunded_later": lambda story: story.refunded(revision=4),
    "withdrawn": lambda story: story.assessed(revision=2, eligible=False),
    "restored": lambda story: story.assessed(revision=3),
    "expired": Story.expired,
}
BASE = ("confirmed", "paid", "assessed")
LIES_BEHIND: dict[tuple[str, ...], Facts] = {
    (): Facts(seat=Seat.CONFIRMED, coverage=Coverage.COVERED, eligible=True),
    ("refunded",): Facts(seat=Seat.CONFIRMED, coverage=Coverage.UNCOVERED, eligible=True),
    ("disputed",): Facts(seat=Seat.CONFIRMED, coverage=Coverage.FROZEN, eligible=True),
    ("withdrawn",): Facts(seat=Seat.CONFIRMED, coverage=Coverage.COVERED, eligible=False),
    ("expired",): Facts(seat=Seat.EXPIRED, coverage=Coverage.COVERED, eligible=True),
    ("disputed", "dispute_won"): Facts(seat=Seat.CONFIRMED, coverage=Coverage.COVERED, eligible=True),
    ("withdrawn", "restored"): Facts(seat=Seat.CONFIRMED, coverage=Coverage.COVERED, eligible=True),
    ("disputed", "dispute_won", "refunded_later"): Facts(
        seat=Seat.CONFIRMED, coverage=Coverage.UNCOVERED, eligible=True
    ),
    ("disputed", "dispute_won", "withdrawn"): Facts(
        seat=Seat.CONFIRMED, coverage=Coverage.COVERED, eligible=False
    ),
}
"""What is mixed in → the facts it must end in, whatever the order."""

TIMINGS = ("at every step", "every second step", "at the end", "answers lost")


def orders_of(extra: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All permutations; of the plain three, and of those with one more, also every repetition."""
    moves = BASE + extra
    orders = list(permutations(moves))
    if len(moves) == 3:
        orders += [o for n in (4, 5) for o in product(moves, repeat=n) if set(o) == set(moves)]
    elif len(moves) == 4:
        orders += [o for o in product(moves, repeat=5) if set(o) == set(moves)]
    return orders


def play(line: Line, orders: Sequence[tuple[str, ...]], timing: str) -> dict[int, Story]:
    """All orders beside each other, each its own enrollment: step by step, tasks in between."""
    stories = {number: Story() for number in range(len(orders))}
    for step in range(max(len(order) for order in orders)):
        batch = [
            MOVES[order[step]](stories[number]) for number, order in enumerate(orders) if step < len(order)
        ]
        for start in range(0, len(batch), 100):
            line.tell(*batch[start : start + 100])
        if timing == "answers lost":
            line.registry.lose_answers = len(line.pending)
            line.work()
            line.registry.lose_answers = 0
        elif timing == "at every step" or (timing == "every second step" and step % 2):
            line.work()
    while line.pending:
        line.work()
    return stories


def guard_against_late_submissions(line: Line) -> None:
    """At the very moment of a call, nothing that was handled may stand in its way."""

    def look(request: MembershipRequest) -> None:
        with line.transactions.read() as session:
            sought = select(Join).where(Join.activation_id == UUID(request.reference))
            assert judge(session.scalars(sought).one().facts) == (), "submitted after its hold was handled"

    line.registry.before_accepting = look


def assert_right(line: Line, stories: dict[int, Story], expected: Facts) -> None:
    """The promises, for every enrollment."""
    joins = line.joins()
    held = Counter(event.enrollment_id for event in line.said_of(CertificateHeld))
    submitted = Counter(event.enrollment_id for event in line.said_of(MembershipSubmitted))
    for story in stories.values():
        join = joins[story.enrollment_id]
        assert join.facts == expected
        accepted = line.registry.accepted[str(activation_id_of(story.enrollment_id))]
        assert accepted <= 1
        assert submitted[story.enrollment_id] == accepted
        if accepted and judge(expected):
            assert join.state == "flagged"
            assert held[story.enrollment_id] == 1
        elif judge(expected):
            assert join.state in ("waiting", "withheld")
            assert held[story.enrollment_id] == 0
        else:
            assert (accepted, join.state) == (1, "submitted")
            assert held[story.enrollment_id] <= 1
    assert sum(line.registry.accepted.values()) == len(line.registry.requests)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("extra", LIES_BEHIND, ids=lambda extra: "+".join(extra) or "plain")
def test_every_order_ends_in_the_same_facts_and_at_most_one_submission(
    line: Line, extra: tuple[str, ...], timing: str
) -> None:
    orders = orders_of(extra)
    guard_against_late_submissions(line)
    stories = play(line, orders, timing)
    assert_right(line, stories, LIES_BEHIND[extra])


def test_the_plain_story_asks_once_however_often_it_is_told(line: Line) -> None:
    stories = play(line, orders_of(()), "at the end")
    asked = Counter(event.enrollment_id for event in line.said_of(MembershipActivationRequested))
    assert set(asked.values()) == {1}
    assert len(asked) == len(stories)


def test_negative_control_without_revisions_the_orders_disagree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believe_everything(self: Join, fact: CoverageFact) -> bool:
        self.coverage_revision, self.coverage = fact.revision, fact.state
        return True

    monkeypatch.setattr(Join, "record_coverage", believe_everything)
    line = Line(tmp_path)
    stories = play(line, orders_of(("refunded",)), "at every step")
    with pytest.raises(AssertionError):
        assert_right(line, stories, LIES_BEHIND["refunded",])
    line.close()


def test_negative_control_without_the_second_judgement_a_held_name_goes_out(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "judge", lambda facts: ())
    guard_against_late_submissions(line)
    story = Story()
    line.tell(*story.all_good())
    line.tell(story.refunded())
    with pytest.raises(AssertionError, match="after its hold was handled"):
        line.work()
