"""Hypothesis strategies for messages: any value a contract allows, and any way to spoil one."""

import copy
from datetime import UTC, date, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from shared.messaging.shape import INT_MAX, INT_MIN, Choice, Listing, Member, Record, Scalar, Shape, record_of

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine is no counterexample."""

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
instants = st.datetimes(timezones=st.just(UTC))


def messages(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Any valid message of a class."""
    return _record(record_of(cls))


def _record(record: Record) -> st.SearchStrategy[Any]:
    return st.builds(record.cls, **{member.name: _member(member) for member in record.members})


def _member(member: Member) -> st.SearchStrategy[Any]:
    values = _values(member.shape)
    return st.none() | values if member.nullable else values


def _values(shape: Shape) -> st.SearchStrategy[Any]:
    match shape:
        case Scalar.TEXT:
            return texts
        case Scalar.INTEGER:
            return st.integers(INT_MIN, INT_MAX)
        case Scalar.BOOLEAN:
            return st.booleans()
        case Scalar.UUID:
            return st.uuids()
        case Scalar.INSTANT:
            return instants
        case Scalar.DATE:
            return st.dates()
        case Choice(values):
            return st.sampled_from(values)
        case Listing(item):
            return st.lists(_values(item), max_size=3).map(tuple)
        case Record():
            return _record(shape)


strange_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(INT_MAX, INT_MAX + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.uuids().map(str)
    | st.uuids().map(lambda value: str(value).upper())
    | st.uuids().map(lambda value: value.hex)
    | st.uuids().map(lambda value: value.urn)
    | st.sampled_from(
        [
            "",
            "a\x00b",
            "\ud800",
            "2026-03-02T09:00:00Z",
            "2026-03-02T09:00:00.123456+02:00",
            "2026-03-02T09:00:00",
            "2026-03-02T09:00:00z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-W10-1",
            "20260302",
            "2026-02-30",
            "covered",
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
"""JSON values that no contract asks for, and some that look as if one did."""

strange_values = (
    strange_json
    | st.binary(max_size=4)
    | st.uuids()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]))
    | st.just(date(2026, 3, 2))
    | st.lists(st.uuids(), max_size=2).map(tuple)
)
"""Python values that may end up in a message by mistake."""


@st.composite
def spoiled(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """A copy of JSON data with one value replaced, removed or added somewhere."""
    data = copy.deepcopy(data)
    places = list(_places(data))
    holder, key = draw(st.sampled_from(places))
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            holder[key] = draw(strange_json)
        case "remove":
            del holder[key]
        case _:
            value = draw(strange_json)
            if isinstance(holder, list):
                holder.append(value)
            else:
                holder[draw(st.text(max_size=5) | st.just("person"))] = value
    return data


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        yield value, key
        if isinstance(below, (dict, list)):
            yield from _places(below)
