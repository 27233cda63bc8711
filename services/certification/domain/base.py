"""The declarative base of this service's tables."""

from sqlalchemy.orm import DeclarativeBase

from shared.db.base import COLUMN_TYPES, new_metadata


class Base(DeclarativeBase):
    """Base of every entity of certification."""

    metadata = new_metadata()
    type_annotation_map = COLUMN_TYPES
