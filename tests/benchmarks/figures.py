"""One measured figure, its bar, and how both are shown and stored."""

import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`value` in `unit`; with a baseline also its value and the ratio. `bar` is in words, `holds` its verdict."""

    name: str
    value: float
    unit: str
    bar: str
    holds: bool
    baseline: float | None = None
    ratio: float | None = None
    note: str = ""


class NotMeasured(Exception):
    """What these figures need is not here: they neither hold nor fail."""

    def __init__(self, names: Sequence[str], reason: str) -> None:
        super().__init__(f"{', '.join(names)}: {reason}")
        self.names = tuple(names)


def paired(
    name: str,
    ours: Callable[[], float],
    raw: Callable[[], float],
    *,
    unit: str,
    at_least: float,
    rounds: int,
    note: str = "",
) -> Figure:
    """Run raw and ours in turns; the figure is the median of each round's ratio. BENCH_ROUNDS makes it short."""
    ratios, values, baselines = [], [], []
    for _ in range(int(os.environ.get("BENCH_ROUNDS", rounds))):
        baselines.append(raw())
        values.append(ours())
        ratios.append(values[-1] / baselines[-1])
    ratio = statistics.median(ratios)
    spread = " ".join(f"{r:.2f}" for r in ratios)
    return Figure(
        name=name,
        value=round(statistics.median(values)),
        unit=unit,
        baseline=round(statistics.median(baselines)),
        ratio=round(ratio, 3),
        bar=f"ratio >= {at_least}",
        holds=ratio >= at_least,
        note=f"rounds {spread}{'; ' + note if note else ''}",
    )


def at_most(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure whose bar is an upper limit."""
    return Figure(
        name=name,
        value=round(value, 2),
        unit=unit,
        bar=f"<= {limit:g} {unit}",
        holds=value <= limit,
        note=note,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(figures: Sequence[Figure]) -> str:
    """A table for people."""
    rows = [("figure", "value", "baseline", "ratio", "bar", "holds", "note")]
    for f in figures:
        rows.append(
            (
                f.name,
                f"{f.value:g} {f.unit}",
                "" if f.baseline is None else f"{f.baseline:g}",
                "" if f.ratio is None else f"{f.ratio:.2f}",
                f.bar,
                "yes" if f.holds else "NO",
                f.note,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def store(figures: Sequence[Figure], path: Path, *, not_measured: Sequence[str] = ()) -> None:
    """Write `build/bench.json`, merging with figures of other names from earlier runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {row["name"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    known = {name: row for name, row in known.items() if name not in not_measured}
    known |= {figure.name: asdict(figure) for figure in figures}
    path.write_text(json.dumps(list(known.values()), indent=2) + "\n")
