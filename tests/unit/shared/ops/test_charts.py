"""Lines drawn by the server."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.ops.charts import Chart, chart, nice

SINCE = datetime(2026, 11, 27, 9, tzinfo=UTC)
STEP = timedelta(minutes=6)
UNTIL = SINCE + 10 * STEP


def draw(*values: int | None, first: int = 0, marks: tuple[int, ...] = ()) -> Chart:
    points = [(SINCE + STEP * (first + n), value) for n, value in enumerate(values)]
    return chart(
        "Waiting", points, since=SINCE, until=UNTIL, step=STEP, marks=[SINCE + STEP * m for m in marks]
    )


def test_each_value_holds_until_the_next() -> None:
    drawn = draw(0, 5, 10)
    assert drawn.top == 10
    assert drawn.parts == ["0.00,100.00 10.00,100.00 10.00,50.00 20.00,50.00 20.00,0.00 30.00,0.00"]
    assert (drawn.latest, drawn.highest, drawn.highest_at) == (10, 10, SINCE + 2 * STEP)


def test_a_time_without_values_is_a_gap() -> None:
    assert [len(part.split()) for part in draw(1, None, None, 1).parts] == [2, 2]
    assert draw(None, None).parts == []
    assert draw().parts == []


def test_what_began_before_is_cut_off_at_the_edge() -> None:
    assert draw(1, first=-1).parts == ["0.00,0.00 0.00,0.00"]
    assert draw(1, first=9).parts == ["90.00,0.00 100.00,0.00"]


def test_marks_outside_are_left_out() -> None:
    assert draw(1, marks=(-1, 5, 11)).marks == ["50.00"]


def test_nothing_at_all_has_no_highest_moment() -> None:
    drawn = draw(0, 0)
    assert (drawn.highest, drawn.highest_at, drawn.top) == (0, None, 1)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (499, 500), (501, 1000)]
)
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    assert nice(highest) == top
