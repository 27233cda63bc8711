"""The declarative base of enrollment's tables, and the column types only enrollment needs."""

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from shared.db.base import COLUMN_TYPES, new_metadata


class Base(DeclarativeBase):
    """Base of every aggregate of enrollment."""

    metadata = new_metadata()
    type_annotation_map = COLUMN_TYPES


class TextList(TypeDecorator[tuple[str, ...]]):
    """Short texts without line breaks, stored one per line: readable in any database shell."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if any("\n" in text for text in value):
            raise ValueError("a text of a list must not contain a line break")
        return "\n".join(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(line for line in str(value).split("\n") if line)
