"""Column types and naming for every service's tables."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Dialect, Integer, MetaData, Text, Uuid
from sqlalchemy.types import TypeDecorator

N = TypeVar("N", bound=StrEnum)

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC out; a naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: times are aware UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StateType(TypeDecorator[N]):
    """A `StrEnum` stored as its text, so that a state can be added without a migration of the type."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[N]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: N | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> N | None:
        return None if value is None else self.enum(value)


def new_metadata() -> MetaData:
    """Metadata whose constraints have predictable names: migrations can drop what they did not name."""
    return MetaData(naming_convention=NAMING)


COLUMN_TYPES: dict[Any, Any] = {datetime: UtcDateTime(), UUID: Uuid(as_uuid=True), str: Text(), date: Date()}
"""For `type_annotation_map` of every service's declarative base."""

Sequence64 = BigInteger().with_variant(Integer, "sqlite")
"""An autoincrementing 64-bit key on both databases."""

__all__ = ["COLUMN_TYPES", "Sequence64", "StateType", "UtcDateTime", "new_metadata"]
