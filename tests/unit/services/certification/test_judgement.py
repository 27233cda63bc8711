"""The judgement: every combination of facts, and a whole explanation for whatever stands in the way."""

from itertools import product

import pytest

from services.certification.domain.facts import Coverage, Facts, Seat
from services.certification.domain.judgement import OBSTACLES, Obstacle, judge

ALL = [
    Facts(seat=seat, coverage=coverage, eligible=eligible)
    for seat, coverage, eligible in product([None, *Seat], [None, *Coverage], [None, True, False])
]


@pytest.mark.parametrize("facts", ALL, ids=str)
def test_only_seat_and_money_and_result_together_let_the_name_go(facts: Facts) -> None:
    everything = (
        facts.seat is Seat.CONFIRMED and facts.coverage is Coverage.COVERED and facts.eligible is True
    )
    assert (judge(facts) == ()) is everything


@pytest.mark.parametrize("facts", ALL, ids=str)
def test_each_fact_gives_one_obstacle_at_most(facts: Facts) -> None:
    named = [OBSTACLES[obstacle].fact for obstacle in judge(facts)]
    assert len(named) == len(set(named))


def test_what_was_lost_is_named_before_what_was_never_there() -> None:
    facts = Facts(seat=None, coverage=Coverage.UNCOVERED, eligible=None)
    assert judge(facts)[0] is Obstacle.UNCOVERED


@pytest.mark.parametrize("obstacle", Obstacle)
def test_every_obstacle_says_what_it_means_who_can_help_and_what_happens_next(obstacle: Obstacle) -> None:
    explanation = OBSTACLES[obstacle]
    assert explanation.meaning.endswith(".")
    assert explanation.next_step.endswith(".")
    assert explanation.who
    assert any(obstacle in judge(facts) for facts in ALL)
