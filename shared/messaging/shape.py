"""What a message is made of: a closed set of types, read once from a dataclass's annotations.

Three things are derived from a `Record`: the marshmallow schema (`schema.py`), the generated fast path
(`compiled.py`) and the JSON Schema of the published contract (`json_schema.py`). Keeping the set closed
keeps the three in step; anything outside it is refused when the contract is imported.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")

PERSON = "person"
"""The one field name under which personal data travels: it can be found, masked and removed."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
"""Integers beyond a database's bigint would pass here and fail in every consumer."""


def once_per_class(make: Callable[[type[Any]], T]) -> Callable[[type[Any]], T]:
    """Remember what `make` gave for a class: what is derived from annotations never changes."""
    made: dict[type[Any], T] = {}

    def find(cls: type[Any]) -> T:
        if cls not in made:
            made[cls] = make(cls)
        return made[cls]

    return find


class UnsupportedType(TypeError):
    """A contract uses a type that cannot go on the wire. Raised while the contract is imported."""


class Scalar(Enum):
    """A single value on the wire."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    UUID = "uuid"
    INSTANT = "instant"
    DATE = "date"


@dataclass(frozen=True)
class Choice:
    """One of a few strings."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Any number of the same, in order."""

    item: "Scalar | Choice | Record"


@dataclass(frozen=True, eq=False)
class Record:
    """A frozen dataclass: the event itself or a part of it."""

    cls: type[Any]
    members: tuple["Member", ...]

    def is_personal(self) -> bool:
        """Whether personal data travels in it, at any depth."""
        return any(member.name == PERSON or is_personal(member.shape) for member in self.members)


Shape = Scalar | Choice | Listing | Record


@dataclass(frozen=True, eq=False)
class Member:
    """One field. `default` is what a reader assumes when an older writer did not send it."""

    name: str
    shape: Shape
    nullable: bool
    default: Any = dataclasses.MISSING

    @property
    def required(self) -> bool:
        """Whether a reader refuses a message without it."""
        return self.default is dataclasses.MISSING and not self.nullable

    @property
    def assumed(self) -> Any:
        """What stands for a value that was not sent."""
        return None if self.default is dataclasses.MISSING else self.default

    @property
    def is_reference(self) -> bool:
        """Whether its value is an id by which a message can be searched."""
        return self.name.endswith("_id")


_SCALARS: dict[Any, Scalar] = {
    str: Scalar.TEXT,
    int: Scalar.INTEGER,
    bool: Scalar.BOOLEAN,
    UUID: Scalar.UUID,
    datetime: Scalar.INSTANT,
    date: Scalar.DATE,
}


@once_per_class
def record_of(cls: type[Any]) -> Record:
    """Read a dataclass; raises `UnsupportedType` with the name of the field that cannot travel."""
    if not dataclasses.is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # typeshed omits it
        raise UnsupportedType(f"{cls.__name__} is not a frozen dataclass")
    if hasattr(cls, "__post_init__"):
        raise UnsupportedType(f"{cls.__name__} has a __post_init__: a message only carries facts")
    hints = get_type_hints(cls)
    members = []
    for field in dataclasses.fields(cls):
        where = f"{cls.__name__}.{field.name}"
        if not field.kw_only:
            raise UnsupportedType(f"{where} is positional: declare the dataclass with kw_only=True")
        if field.default_factory is not dataclasses.MISSING:
            raise UnsupportedType(f"{where} has a default factory: use an immutable default")
        bare, nullable = _without_none(hints[field.name], where)
        if field.default is None and not nullable:
            raise UnsupportedType(f"{where}: a default of None needs `| None`")
        shape = _shape(bare, where)
        if field.name.endswith("_id") and shape not in (Scalar.UUID, Scalar.TEXT):
            raise UnsupportedType(f"{where}: an id is a UUID or a str, so that messages are found by it")
        if field.name == PERSON and not isinstance(shape, Record):
            raise UnsupportedType(f"{where} must be a dataclass of its own: it holds personal data")
        members.append(Member(field.name, shape, nullable, field.default))
    return Record(cls, tuple(members))


def _without_none(hint: Any, where: str) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, UnionType):
        return hint, False
    others = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(others) != 1 or len(get_args(hint)) != 2:
        raise UnsupportedType(f"{where}: a union may only be `X | None`")
    return others[0], True


def _shape(hint: Any, where: str) -> Shape:
    if get_origin(hint) is tuple:
        arguments = get_args(hint)
        if len(arguments) != 2 or arguments[1] is not Ellipsis:
            raise UnsupportedType(f"{where}: a tuple must be `tuple[X, ...]`")
        item = _shape(arguments[0], where)
        if isinstance(item, Listing):
            raise UnsupportedType(f"{where}: a list of lists has no name for its parts; use a dataclass")
        return Listing(item)
    if get_origin(hint) is Literal:
        values = get_args(hint)
        if not all(type(value) is str for value in values):
            raise UnsupportedType(f"{where}: a Literal may only list strings")
        return Choice(values)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return record_of(hint)
    raise UnsupportedType(f"{where}: {hint!r} cannot go on the wire")


def is_personal(shape: Shape) -> bool:
    """Whether a value of this shape holds personal data, at any depth."""
    if isinstance(shape, Listing):
        return is_personal(shape.item)
    return isinstance(shape, Record) and shape.is_personal()


def references_in(message: Any) -> tuple[str, ...]:
    """Every value of a field ending in `_id`, at any depth, once each; none from personal data."""
    return tuple(dict.fromkeys(_references(record_of(type(message)), message)))


def _references(record: Record, message: Any) -> Iterator[str]:
    for member in record.members:
        value = getattr(message, member.name)
        if value is None or member.name == PERSON:
            continue
        if member.is_reference:
            yield str(value)
        elif isinstance(member.shape, Record):
            yield from _references(member.shape, value)
        elif isinstance(member.shape, Listing) and isinstance(member.shape.item, Record):
            for item in value:
                yield from _references(member.shape.item, item)
