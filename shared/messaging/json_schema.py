"""JSON Schema of message dataclasses: the published form of the contract.

Only what a reader insists on is `required`; what a writer sends is every property. Objects stay open, because
readers leave out what they do not know.
"""

import inspect
from typing import Any

from shared.messaging.schema import check_and_dump
from shared.messaging.shape import INT_MAX, INT_MIN, Choice, Listing, Member, Record, Scalar, Shape, record_of

_SCALARS: dict[Scalar, dict[str, Any]] = {
    Scalar.TEXT: {"type": "string"},
    Scalar.INTEGER: {"type": "integer", "minimum": INT_MIN, "maximum": INT_MAX},
    Scalar.BOOLEAN: {"type": "boolean"},
    Scalar.UUID: {"type": "string", "format": "uuid"},
    Scalar.INSTANT: {"type": "string", "format": "date-time"},
    Scalar.DATE: {"type": "string", "format": "date"},
}


def json_schema(cls: type[Any]) -> dict[str, Any]:
    """The schema of a message's data, parts written in place."""
    return _of_record(record_of(cls))


def _of_record(record: Record) -> dict[str, Any]:
    return {
        "type": "object",
        "description": inspect.cleandoc(record.cls.__doc__ or ""),
        "properties": {member.name: _of_member(member) for member in record.members},
        "required": [member.name for member in record.members if member.required],
    }


def _of_member(member: Member) -> dict[str, Any]:
    schema = _of_shape(member.shape)
    if member.nullable:
        schema = {"oneOf": [schema, {"type": "null"}]}
    if not member.required:
        schema["default"] = _on_the_wire(member.assumed)
    return schema


def _of_shape(shape: Shape) -> dict[str, Any]:
    match shape:
        case Scalar():
            return dict(_SCALARS[shape])
        case Choice(values):
            return {"type": "string", "enum": list(values)}
        case Listing(item):
            return {"type": "array", "items": _of_shape(item)}
        case Record():
            return _of_record(shape)


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_on_the_wire(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return check_and_dump(value)
    return value if value is None or isinstance(value, (bool, int)) else str(value)
