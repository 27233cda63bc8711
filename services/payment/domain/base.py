"""The declarative base of payment's tables."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase

from shared.db.base import COLUMN_TYPES, new_metadata


class Base(DeclarativeBase):
    """Every aggregate of payment is mapped on this base."""

    metadata = new_metadata()
    type_annotation_map = COLUMN_TYPES


def reference(column: str) -> ForeignKey:
    """A foreign key checked when the transaction ends: aggregates made together need no order among them."""
    return ForeignKey(column, deferrable=True, initially="DEFERRED")
