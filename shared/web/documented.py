"""What a view and its schemas tell the API's documentation: refusals, where an answer leads, examples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import marshmallow
from marshmallow import fields

from shared.errors import AppError

F = TypeVar("F", bound=Callable[..., Any])

_REFUSALS = "__rostrum_refusals__"
_NEXT = "__rostrum_next__"


class Answer(marshmallow.Schema):
    """What the API gives: every field is always there, null where there is nothing to say."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Say so in the documentation as well."""
        field_obj.required = True


class NoExample(Exception):
    """A field of the API does not say what it looks like."""


@dataclass(frozen=True, kw_only=True)
class Next:
    """Where an answer leads: an operation, and where in the answer its parameters stand."""

    operation: str
    why: str
    parameters: Mapping[str, str]
    body: Mapping[str, str]


def shown(example: Any, description: str | None = None, **more: Any) -> dict[str, Any]:
    """The `metadata` of a field: what it looks like, what it means, what else a caller has to know."""
    meaning = {} if description is None else {"description": description}
    return {"example": example, **meaning, **more}


def refuses(*errors: AppError) -> Callable[[F], F]:
    """This view may refuse like this; what its guard and its schemas refuse is known anyway."""

    def mark(view: F) -> F:
        setattr(view, _REFUSALS, errors)
        return view

    return mark


def refusals_of(view: Callable[..., Any]) -> tuple[AppError, ...]:
    """What `@refuses` says of a view."""
    found: tuple[AppError, ...] = getattr(view, _REFUSALS, ())
    return found


def leads_to(
    operation: str, why: str, *, body: Mapping[str, str] | None = None, **parameters: str
) -> Callable[[F], F]:
    """The view's answer holds what that operation needs: JSON pointers into the answer, by parameter."""

    def mark(view: F) -> F:
        step = Next(operation=operation, why=why, parameters=parameters, body=body or {})
        setattr(view, _NEXT, (*next_of(view), step))
        return view

    return mark


def next_of(view: Callable[..., Any]) -> tuple[Next, ...]:
    """What `@leads_to` says of a view."""
    found: tuple[Next, ...] = getattr(view, _NEXT, ())
    return found


def example_of(schema: marshmallow.Schema) -> Any:
    """One whole example of a schema, made of its fields' own."""
    one = {name: _example(schema, name, field) for name, field in schema.fields.items()}
    return [one] if schema.many else one


def _example(schema: marshmallow.Schema, name: str, field: fields.Field[Any]) -> Any:
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    if isinstance(field, fields.List):
        return [_example(schema, name, field.inner)]
    raise NoExample(f"{type(schema).__name__}.{name}: give it `metadata=shown(…)`")
