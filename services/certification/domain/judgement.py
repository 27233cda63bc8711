"""May the name go to the Scrum Alliance? A pure function, and a table of what is missing and who helps."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.certification.domain.facts import Coverage, Facts, Seat


class Obstacle(StrEnum):
    """What stands in the way, as a stable code."""

    SEAT_LOST = "seat_lost"
    UNCOVERED = "uncovered"
    COVERAGE_FROZEN = "coverage_frozen"
    NOT_ELIGIBLE = "not_eligible"
    SEAT_MISSING = "seat_missing"
    COVERAGE_MISSING = "coverage_missing"
    ASSESSMENT_MISSING = "assessment_missing"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What an obstacle means, who can remove it, and how."""

    fact: str
    meaning: str
    who: str
    next_step: str


OBSTACLES: Mapping[Obstacle, Explanation] = {
    Obstacle.SEAT_MISSING: Explanation(
        fact="seat",
        meaning="The booking has not been confirmed yet.",
        who="the person who booked",
        next_step="It is confirmed as soon as the payment arrives.",
    ),
    Obstacle.SEAT_LOST: Explanation(
        fact="seat",
        meaning="The seat is no longer kept: the booking was not completed in time.",
        who="the person who booked",
        next_step="Book a seat in a coming workshop. Money that arrived too late is returned.",
    ),
    Obstacle.COVERAGE_MISSING: Explanation(
        fact="coverage",
        meaning="No confirmed payment for this seat has reached us.",
        who="the person who booked",
        next_step="The payment link is on the booking page.",
    ),
    Obstacle.UNCOVERED: Explanation(
        fact="coverage",
        meaning="The payment for this seat was returned.",
        who="the person who booked, or our finance team",
        next_step="Ask the person who booked whether the refund was intended.",
    ),
    Obstacle.COVERAGE_FROZEN: Explanation(
        fact="coverage",
        meaning="The payer’s bank has questioned the payment, so everything waits until that is settled.",
        who="the person who booked, with their bank",
        next_step="If the bank decides for the payment, this goes on by itself.",
    ),
    Obstacle.ASSESSMENT_MISSING: Explanation(
        fact="assessment",
        meaning="The trainer has not released the result of the workshop yet.",
        who="the trainer",
        next_step="Trainers release results when the last day has ended, or shortly after.",
    ),
    Obstacle.NOT_ELIGIBLE: Explanation(
        fact="assessment",
        meaning="The requirements of the course are not all met.",
        who="the trainer",
        next_step="Talk to your trainer about what is missing: a corrected result goes on by itself.",
    ),
}


def judge(facts: Facts) -> tuple[Obstacle, ...]:
    """Everything that stands in the way, what was lost before what was never there; empty means go."""
    found: list[Obstacle] = []
    if facts.seat is None:
        found.append(Obstacle.SEAT_MISSING)
    elif facts.seat is not Seat.CONFIRMED:
        found.append(Obstacle.SEAT_LOST)
    if facts.coverage is None:
        found.append(Obstacle.COVERAGE_MISSING)
    elif facts.coverage is Coverage.FROZEN:
        found.append(Obstacle.COVERAGE_FROZEN)
    elif facts.coverage is not Coverage.COVERED:
        found.append(Obstacle.UNCOVERED)
    if facts.eligible is None:
        found.append(Obstacle.ASSESSMENT_MISSING)
    elif not facts.eligible:
        found.append(Obstacle.NOT_ELIGIBLE)
    return tuple(sorted(found, key=list(Obstacle).index))
