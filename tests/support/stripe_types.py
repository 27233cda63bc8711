"""Compares what the Stripe sandbox says with what Stripe's library declares: an oracle without a network."""

import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import stripe

_REQUEST_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)


def parameter_names(params: type) -> set[str]:
    """The parameters that the library knows for one call, without its own request options."""
    return set(params.__annotations__) - _REQUEST_OPTIONS


def problems(value: Any, annotation: Any, path: str) -> list[str]:
    """Where a value from the sandbox is not what the library's annotation says."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, typing.ForwardRef):
        if not isinstance(value, Mapping):
            return [f"{path}: not an object"]
        return problems(value, _named(annotation.__forward_arg__), path)
    if annotation is Any:
        return []
    if origin is typing.Union:
        return _union(value, arguments, path)
    if origin is typing.Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [p for i, item in enumerate(value) for p in problems(item, arguments[0], f"{path}[{i}]")]
    if origin is stripe.ListObject:
        if not isinstance(value, Mapping) or value.get("object") != "list":
            return [f"{path}: not a list object"]
        return [
            p for i, item in enumerate(value["data"]) for p in problems(item, arguments[0], f"{path}[{i}]")
        ]
    kind = origin or annotation
    if issubclass(kind, stripe.StripeObject):
        return _object(value, kind, path)
    expected = str if kind is Decimal else kind
    fits = isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
    return [] if fits else [f"{path}: {value!r} is not of type {expected.__name__}"]


def _named(name: str) -> Any:
    """The class that an annotation names. Where two classes share a name, the library says `…Resource`."""
    for place in (stripe, stripe.checkout):
        for spelled in (name, name.removesuffix("Resource")):
            if hasattr(place, spelled):
                return getattr(place, spelled)
    raise LookupError(f"the library has no {name}")


def _union(value: Any, choices: tuple[Any, ...], path: str) -> list[str]:
    if value is None:
        return [] if type(None) in choices else [f"{path}: may not be null"]
    literals = [choice for choice in choices if typing.get_origin(choice) is typing.Literal]
    # The library writes `Literal[…] | str`; a value of ours must be one of those that it lists.
    strict = literals or [choice for choice in choices if choice is not type(None)]
    found = [problems(value, choice, path) for choice in strict]
    return min(found, key=len)


def _object(value: Any, kind: type, path: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{path}: not an object"]
    if "Untyped" in kind.__name__:
        return []
    declared = {name: a for name, a in kind.__annotations__.items() if name != "OBJECT_NAME"}
    found = [f"{path}.{name}: unknown to {kind.__qualname__}" for name in value if name not in declared]
    for name, annotation in declared.items():
        if name in value:
            found += problems(value[name], annotation, f"{path}.{name}")
        elif type(None) not in typing.get_args(annotation):
            found.append(f"{path}.{name}: missing")
    return found
