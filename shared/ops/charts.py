"""Lines drawn by the server: what a page needs to show values over time without JavaScript.

A chart is a picture of a hundred units each way, stretched to whatever room there is; its words are beside it in
the page, where they keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Point = tuple[datetime, int | None]

_WIDTH = 100.0
_HEIGHT = 100.0


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One line. `parts` are runs without a gap, as points of an SVG polyline; `marks` are moments, as x."""

    label: str
    unit: str
    parts: Sequence[str]
    marks: Sequence[str]
    top: int
    latest: int | None
    highest: int
    highest_at: datetime | None


def chart(
    label: str,
    points: Sequence[Point],
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
    marks: Sequence[datetime] = (),
    unit: str = "",
) -> Chart:
    """Draw values that each hold for `step`; two points further apart than that have a gap between them."""
    known = [(at, value) for at, value in points if value is not None]
    highest = max((value for _, value in known), default=0)
    top = nice(highest)

    def x(at: datetime) -> float:
        return min(max(_WIDTH * (at - since) / (until - since), 0.0), _WIDTH)

    def y(value: int) -> float:
        return _HEIGHT * (1 - value / top)

    parts: list[str] = []
    run: list[str] = []
    end: datetime | None = None
    for at, value in known:
        if end is not None and at > end:
            parts.append(" ".join(run))
            run = []
        end = at + step
        # A step, not a slope: between two samples nothing is known.
        run += [f"{x(at):.2f},{y(value):.2f}", f"{x(end):.2f},{y(value):.2f}"]
        end += step / 2
    if run:
        parts.append(" ".join(run))
    return Chart(
        label=label,
        unit=unit,
        parts=parts,
        marks=[f"{x(at):.2f}" for at in marks if since < at < until],
        top=top,
        latest=points[-1][1] if points else None,
        highest=highest,
        highest_at=next((at for at, value in known if value == highest), None) if highest else None,
    )


def nice(highest: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, … that is not below `highest`."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if factor * size >= highest:
                return factor * size
        size *= 10
