"""A story in the order in which it happened, whatever a process writes as the time and when it writes it."""

import json
import random
from typing import Any

import pytest

from shared.observability.trace import Line, began, read_lines, told, trace


def edge(at: str, correlation: str, seconds: float) -> Line:
    return {"timestamp": at, "service": "edge", "event": "edge_request", "method": "POST", "status": 303} | {
        "correlation_id": correlation,
        "seconds": seconds,
    }


def request(at: str, correlation: str, milliseconds: float) -> Line:
    return {"timestamp": at, "service": "enrollment", "event": "request", "method": "POST", "path": "/x"} | {
        "status": 303,
        "correlation_id": correlation,
        "milliseconds": milliseconds,
    }


def said(at: str, correlation: str) -> Line:
    return {
        "timestamp": at,
        "service": "enrollment",
        "event": "message_said",
        "event_type": "booking.placed.v1",
        "message_id": f"m-{correlation}",
        "references": ["b-1"],
        "correlation_id": correlation,
    }


TWO_IN_ONE_SECOND = (
    edge("2026-11-02T09:00:00.130Z", "c1", 0.120),
    request("2026-11-02T09:00:00.129500Z", "c1", 115.2),
    said("2026-11-02T09:00:00.128900Z", "c1"),
    edge("2026-11-02T09:00:00.990Z", "c2", 0.500),
    request("2026-11-02T09:00:00.989100Z", "c2", 498.0),
    said("2026-11-02T09:00:00.988000Z", "c2"),
)
ACROSS_SECONDS = (
    edge("2026-11-02T09:00:01.002Z", "c1", 0.204),
    request("2026-11-02T09:00:00.999900Z", "c1", 200.4),
    said("2026-11-02T09:00:00.999800Z", "c1"),
    edge("2026-11-02T10:00:02.100+01:00", "c2", 0.900),
    request("2026-11-02T09:00:02.1Z", "c2", 900.0),
    said("2026-11-02T09:00:02.05Z", "c2"),
)


def shuffled(lines: tuple[Line, ...], seed: int) -> list[Line]:
    return random.Random(seed).sample(lines, len(lines))


@pytest.mark.parametrize("lines", [TWO_IN_ONE_SECOND, ACROSS_SECONDS])
def test_a_request_stands_before_what_it_caused_and_its_edge_before_it(lines: tuple[Line, ...]) -> None:
    for seed in range(20):
        story = trace(shuffled(lines, seed), "b-1")
        assert [(line["event"], line["correlation_id"]) for line in story.lines] == [
            ("edge_request", "c1"),
            ("request", "c1"),
            ("message_said", "c1"),
            ("edge_request", "c2"),
            ("request", "c2"),
            ("message_said", "c2"),
        ]


def test_people_read_the_moments_that_were_sorted_by() -> None:
    lines = [told(line) for line in trace(TWO_IN_ONE_SECOND, "b-1").lines]
    assert lines[0].startswith("2026-11-02T09:00:00.010000Z  edge           POST came to the edge → 303")
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("timestamp", "same"),
    [
        ("2026-11-02T09:00:00+00:00", "2026-11-02T09:00:00.000000Z"),
        ("2026-11-02T04:00:00.5-05:00", "2026-11-02T09:00:00.500Z"),
        ("2026-11-02T09:00:00", "2026-11-02T09:00:00Z"),
    ],
)
def test_a_moment_is_the_same_however_it_is_written(timestamp: str, same: str) -> None:
    assert began(said(timestamp, "c1")) == began(said(same, "c1"))


@pytest.mark.parametrize("timestamp", ["", "yesterday", None, 5, {}])
def test_a_line_without_a_moment_is_not_ours(timestamp: Any) -> None:
    good = said("2026-11-02T09:00:00Z", "c1")
    assert list(read_lines([json.dumps({**good, "timestamp": timestamp}), json.dumps(good)])) == [good]


def test_what_a_line_says_of_its_length_may_be_missing() -> None:
    line = request("2026-11-02T09:00:00Z", "c1", 1.0)
    without = {key: value for key, value in line.items() if key != "milliseconds"}
    assert began(without) == began(said("2026-11-02T09:00:00Z", "c1"))
