"""A contract that cannot go on the wire is an error while it is imported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest

from shared.messaging.event import Event, EventRegistry
from shared.messaging.shape import UnsupportedType


def declared(annotation: Any, name: str = "value", **options: Any) -> Callable[[], object]:
    def declare() -> object:
        registry = EventRegistry()
        body = {"__annotations__": {"thing_id": UUID, name: annotation}, "__doc__": "A thing.", **options}
        cls: type[Event] = dataclass(frozen=True, kw_only=True)(type("Happened", (Event,), body))
        return registry.event("thing.happened.v1", publisher="shop", aggregate="thing", key="thing_id")(cls)

    return declare


@dataclass
class Mutable:
    value: int


@dataclass(frozen=True)
class Positional:
    value: int


@dataclass(frozen=True, kw_only=True)
class WithRules:
    value: int

    def __post_init__(self) -> None:
        raise ValueError


@pytest.mark.parametrize(
    "annotation",
    [
        float,
        Decimal,
        bytes,
        time,
        object,
        Any,
        dict[str, str],
        list[str],
        tuple[str, str],
        tuple[tuple[str, ...], ...],
        tuple[str | None, ...],
        set[str],
        str | int,
        str | int | None,
        Literal["a", 1],
        Mutable,
        Positional,
        WithRules,
        tuple[float, ...],
    ],
)
def test_a_type_outside_the_closed_set_is_refused(annotation: Any) -> None:
    with pytest.raises(UnsupportedType):
        declared(annotation)()


@pytest.mark.parametrize(
    "annotation", [str, int, bool, UUID, str | None, Literal["a"], tuple[UUID, ...], tuple[str, ...] | None]
)
def test_the_closed_set_is_accepted(annotation: Any) -> None:
    declared(annotation)()


def test_personal_data_must_be_an_object_of_its_own() -> None:
    with pytest.raises(UnsupportedType, match="personal data"):
        declared(str, name="person")()


@pytest.mark.parametrize("annotation", [int, tuple[UUID, ...], bool])
def test_an_id_is_something_a_message_can_be_found_by(annotation: Any) -> None:
    with pytest.raises(UnsupportedType, match="found by it"):
        declared(annotation, name="other_id")()


def test_a_default_of_none_must_be_declared() -> None:
    with pytest.raises(UnsupportedType, match="default of None"):
        declared(str, value=None)()


def test_a_default_must_be_immutable() -> None:
    with pytest.raises(UnsupportedType, match="immutable default"):
        declared(tuple[str, ...], value=field(default_factory=tuple))()
