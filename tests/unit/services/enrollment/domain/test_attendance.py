"""Minutes and two decisions make one verdict."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.enrollment.domain import Assessment, Block
from services.enrollment.domain.attendance import judge, what_is_missing

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def assessment(participation: bool | None = True, understanding: bool | None = True) -> Assessment:
    return Assessment(enrollment_id=uuid4(), participation=participation, understanding=understanding)


def block(position: int) -> Block:
    return Block(
        block_id=uuid4(),
        workshop_id=uuid4(),
        position=position,
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=8),
        break_minutes=60,
    )


@pytest.mark.parametrize(
    ("minutes", "participation", "understanding", "reasons"),
    [
        ([420, 420], True, True, ()),
        ([420, 419], True, True, ("minutes_missing",)),
        ([420, 420], False, True, ("participation_missing",)),
        ([420, 420], True, False, ("understanding_missing",)),
        ([0, 0], False, False, ("minutes_missing", "participation_missing", "understanding_missing")),
    ],
)
def test_fourteen_hours_and_two_decisions(
    minutes: list[int], participation: bool, understanding: bool, reasons: tuple[str, ...]
) -> None:
    verdict = judge(minutes, assessment(participation, understanding), 840)
    assert verdict.reasons == reasons
    assert verdict.eligible is (reasons == ())
    assert verdict.attended_minutes == sum(minutes)


@pytest.mark.parametrize(("participation", "understanding"), [(None, True), (True, None)])
def test_nobody_is_judged_before_both_decisions(
    participation: bool | None, understanding: bool | None
) -> None:
    with pytest.raises(ValueError, match="before both decisions"):
        judge([840], assessment(participation, understanding), 840)


def test_what_is_missing_is_said_block_by_block() -> None:
    first, second = block(1), block(2)
    assert what_is_missing([first, second], {first.block_id: 0}, None) == (
        "Record the minutes of block 2.",
        "Decide about participation.",
        "Decide about understanding.",
    )
    assert what_is_missing([first], {first.block_id: 0}, assessment(False, False)) == ()


def test_a_decision_is_stored_with_who_and_when() -> None:
    one, by = assessment(None, None), uuid4()
    assert one.decide("participation", True, by=by, at=NOW, note="led the group")
    assert (one.participation, one.participation_by, one.participation_at) == (True, by, NOW)
    assert one.participation_note == "led the group"
    assert one.understanding is None
    later = NOW + timedelta(days=1)
    assert not one.decide("participation", True, by=uuid4(), at=later, note="led the group")
    assert one.participation_by == by


def test_each_release_has_the_next_revision() -> None:
    one, by = assessment(), uuid4()
    one.release(judge([840], one, 840), by=by, at=NOW)
    one.release(judge([839], one, 840), by=by, at=NOW)
    assert (one.revision, one.eligible, one.attended_minutes, one.released_by) == (2, False, 839, by)
