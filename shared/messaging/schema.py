"""Marshmallow schemas derived from message dataclasses: strict when writing, tolerant when reading.

This is the contract and the voice of the errors; `compiled.py` is a faster way to the same answers.
Instances are cached, because constructing a schema costs more than using it.
"""

from collections.abc import Mapping
from dataclasses import MISSING
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, post_load, validate

from shared.messaging.shape import (
    INT_MAX,
    INT_MIN,
    Choice,
    Listing,
    Member,
    Record,
    Scalar,
    Shape,
    once_per_class,
    record_of,
)

_WRONG = object()
"""Stands for a value of the wrong Python type while writing. No field reads it, so the strict load that
follows the dump refuses it and names the field."""


def is_clean_text(value: str) -> bool:
    """Whether every consumer can store it: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    if "\x00" in value:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Text(fields.String):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value is None or isinstance(value, str) else _WRONG

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not is_clean_text(value):
            raise ValidationError("Must not contain NUL or lone surrogates.")
        return value


class _Integer(fields.Integer):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value is None or type(value) is int else _WRONG


class _Boolean(fields.Boolean):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value is None or type(value) is bool else _WRONG

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is not True and value is not False:
            raise self.make_error("invalid", input=value)
        return value is True


class _Uuid(fields.UUID):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return str(value) if type(value) is UUID else _WRONG

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if not isinstance(value, str):
            raise self.make_error("invalid_uuid")
        return self._validated(value)


class _Instant(fields.AwareDateTime):
    """An aware moment; on the wire in UTC with `Z`, and in UTC for the reader whatever was sent."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        if type(value) is not datetime or value.utcoffset() is None:
            return _WRONG
        return instant_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


class _Date(fields.Date):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return value.isoformat() if type(value) is date else _WRONG


class _Tuple(fields.List[Any]):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is not None and not isinstance(value, tuple):
            return _WRONG
        return super()._serialize(value, attr, obj, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class _Part(fields.Field[Any]):
    """A nested record, of exactly the class that the contract names."""

    def __init__(self, record: Record, schema: Schema, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cls = record.cls
        self._schema = schema

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return self._schema.dump(value) if type(value) is self._cls else _WRONG

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self._schema.load(value)


class RecordSchema(Schema):
    """Base of every derived schema: loading gives the dataclass back."""

    record: Record

    @post_load
    def make(self, data: Mapping[str, Any], **kwargs: Any) -> Any:
        """Turn the checked mapping into the dataclass."""
        return self.record.cls(**data)


@once_per_class
def strict_schema(cls: type[Any]) -> Schema:
    """For writing: every field has to be there, none may be unknown."""
    return _schema(cls, strict=True)


@once_per_class
def tolerant_schema(cls: type[Any]) -> Schema:
    """For reading: unknown fields are left out, defaults stand for what an older writer did not send."""
    return _schema(cls, strict=False)


def check_and_dump(message: Any) -> dict[str, Any]:
    """A message as JSON values; raises `ValidationError` when any value breaks the contract."""
    schema = strict_schema(type(message))
    dumped: dict[str, Any] = schema.dump(message)
    schema.load(dumped)
    return dumped


def load(cls: type[Any], data: Any) -> Any:
    """Read JSON values, leaving out what this version does not know; raises `ValidationError`."""
    return tolerant_schema(cls).load(data)


def instant_text(at: datetime) -> str:
    """RFC 3339 in UTC with `Z`."""
    return at.astimezone(UTC).isoformat()[:-6] + "Z"


def explain(error: ValidationError) -> str:
    """Which fields were wrong and why, in one line that quotes no value."""
    return "; ".join(f"{path}: {text}" for path, text in _problems(error.messages, ()))


def _problems(messages: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    if isinstance(messages, Mapping):
        found = []
        for key, below in messages.items():
            # Marshmallow files the errors of a whole record under "_schema".
            found += _problems(below, path if key == "_schema" else (*path, str(key)))
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [(".".join(path) or "message", " ".join(str(text) for text in texts))]


def _schema(cls: type[Any], *, strict: bool) -> Schema:
    record = record_of(cls)
    members: dict[str, Any] = {member.name: _field(member, strict) for member in record.members}
    derived = type(f"{cls.__name__}Schema", (RecordSchema,), {**members, "record": record})
    schema: Schema = derived(unknown=RAISE if strict else EXCLUDE)
    return schema


def _field(member: Member, strict: bool) -> fields.Field[Any]:
    options: dict[str, Any] = {"required": member.required, "allow_none": member.nullable}
    if not member.required:
        options["load_default"] = member.assumed
    if member.default is not MISSING and strict:
        # Writers always send every field; only older messages may lack one.
        options["required"] = True
        options.pop("load_default")
    return _field_of(member.shape, strict, options)


def _field_of(shape: Shape, strict: bool, options: dict[str, Any]) -> fields.Field[Any]:
    match shape:
        case Scalar.TEXT:
            return _Text(**options)
        case Scalar.INTEGER:
            return _Integer(strict=True, validate=validate.Range(INT_MIN, INT_MAX), **options)
        case Scalar.BOOLEAN:
            return _Boolean(**options)
        case Scalar.UUID:
            return _Uuid(**options)
        case Scalar.INSTANT:
            return _Instant(format="iso", **options)
        case Scalar.DATE:
            return _Date(format="iso", **options)
        case Choice(values):
            return _Text(validate=validate.OneOf(values), **options)
        case Listing(item):
            return _Tuple(_field_of(item, strict, {}), **options)
        case Record(cls):
            return _Part(shape, strict_schema(cls) if strict else tolerant_schema(cls), **options)
