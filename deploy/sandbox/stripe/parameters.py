"""Reading Stripe's form encoding and checking what was sent, field by field."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from deploy.sandbox.stripe.currencies import CURRENCIES
from deploy.sandbox.stripe.errors import ApiError, not_implemented

MAX_AMOUNT = 99_999_999
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse_form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` pairs as nested mappings and lists."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        match = _KEY.fullmatch(name)
        if match is None:
            raise ApiError(400, f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = root
        for step in steps[:-1]:
            child = node.setdefault(step or str(len(node)), {})
            if not isinstance(child, dict):
                raise ApiError(400, f"Invalid parameter: {name}", param=name)
            node = child
        node[steps[-1] or str(len(node))] = value
    return {key: _with_lists(value) for key, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(item) for key, item in value.items()}


class Field(Protocol):
    """Checks one value and gives it back in its own type."""

    @property
    def required(self) -> bool: ...

    def load(self, value: Any, name: str) -> Any: ...


@dataclass(frozen=True)
class Text:
    """A string; `choices` are the ones Stripe takes, `implemented` those of them that the sandbox takes."""

    required: bool = False
    max_length: int = 5000
    choices: tuple[str, ...] = ()
    implemented: tuple[str, ...] = ()

    def load(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise ApiError(400, f"Invalid string: {value}", param=name)
        if value == "":
            message = (
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset."
            )
            raise ApiError(400, message, code="parameter_invalid_empty", param=name)
        if len(value) > self.max_length:
            message = f"Invalid string: {value[:20]}…; must be at most {self.max_length} characters"
            raise ApiError(400, message, code="parameter_invalid_string_length", param=name)
        if self.choices and value not in self.choices:
            message = f"Invalid {name}: must be one of {', '.join(self.choices)}"
            raise ApiError(400, message, param=name)
        if self.implemented and value not in self.implemented:
            raise not_implemented(f"{name}={value}", param=name)
        return value


@dataclass(frozen=True)
class Integer:
    """A whole number, in decimal digits when it comes from a form."""

    required: bool = False
    minimum: int = 0
    maximum: int = 2**53

    def load(self, value: Any, name: str) -> int:
        digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) is not None
        if not digits and (not isinstance(value, int) or isinstance(value, bool)):
            code = "parameter_invalid_integer"
            raise ApiError(400, f"Invalid integer: {value}", code=code, param=name)
        number = int(value)
        if not self.minimum <= number <= self.maximum:
            bound = "greater" if number < self.minimum else "less"
            limit = self.minimum if number < self.minimum else self.maximum
            message = f"This value must be {bound} than or equal to {limit}."
            raise ApiError(400, message, code="parameter_invalid_integer", param=name)
        return number


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`; `implemented` restricts it to the value that the sandbox can serve."""

    required: bool = False
    implemented: tuple[bool, ...] = (True, False)

    def load(self, value: Any, name: str) -> bool:
        if value not in ("true", "false", True, False):
            raise ApiError(400, f"Invalid boolean: {value}", param=name)
        flag = value in ("true", True)
        if flag not in self.implemented:
            raise not_implemented(f"{name}={str(flag).lower()}", param=name)
        return flag


@dataclass(frozen=True)
class Currency:
    """A three-letter code in lower case, as the documentation asks for."""

    required: bool = False

    def load(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or value not in CURRENCIES:
            message = f"Invalid currency: {value}. Stripe currently supports these currencies: "
            raise ApiError(400, message + ", ".join(sorted(CURRENCIES)), param=name)
        return value


@dataclass(frozen=True)
class Url:
    """An absolute address for the buyer's browser."""

    required: bool = False

    def load(self, value: Any, name: str) -> str:
        parts = urlsplit(value) if isinstance(value, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.netloc or len(value) > 5000:
            raise ApiError(400, "Not a valid URL", code="url_invalid", param=name)
        return str(value)


@dataclass(frozen=True)
class Email:
    """An e-mail address, checked as loosely as Stripe does."""

    required: bool = False

    def load(self, value: Any, name: str) -> str:
        text = Text(max_length=800).load(value, name)
        if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) is None:
            raise ApiError(400, f"Invalid email address: {text}", code="email_invalid", param=name)
        return text


@dataclass(frozen=True)
class Metadata:
    """Up to 50 short strings. An empty value asks to remove a key, an empty string to remove all."""

    required: bool = False

    def load(self, value: Any, name: str) -> dict[str, str]:
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid object", param=name)
        if len(value) > 50:
            raise ApiError(400, "Metadata can have at most 50 keys.", param=name)
        for key, text in value.items():
            if len(key) > 40:
                message = f"Metadata keys must be at most 40 characters: {key[:50]}"
                raise ApiError(400, message, param=name)
            if not isinstance(text, str) or len(text) > 500:
                message = "Metadata values must be strings of at most 500 characters."
                raise ApiError(400, message, param=f"{name}[{key}]")
        return dict(value)


@dataclass(frozen=True)
class Nested:
    """A mapping with known keys."""

    fields: Mapping[str, Field]
    required: bool = False

    def load(self, value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid object", param=name)
        return load(self.fields, value, name)


@dataclass(frozen=True)
class Many:
    """A list of at least one and at most `maximum` values."""

    item: Field
    required: bool = False
    maximum: int = 100

    def load(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise ApiError(400, "Invalid array", param=name)
        if not 1 <= len(value) <= self.maximum:
            raise ApiError(400, f"Array must have between 1 and {self.maximum} elements.", param=name)
        return [self.item.load(item, f"{name}[{index}]") for index, item in enumerate(value)]


@dataclass(frozen=True)
class Period:
    """A moment, or an open or closed range of them."""

    required: bool = False

    def load(self, value: Any, name: str) -> dict[str, int]:
        if not isinstance(value, dict):
            moment = Integer().load(value, name)
            return {"gte": moment, "lte": moment}
        return load(dict.fromkeys(("gt", "gte", "lt", "lte"), Integer()), value, name)


@dataclass(frozen=True)
class Unsupported:
    """Stripe knows this parameter, the sandbox does not: never ignored, as it would change the result."""

    required: bool = False

    def load(self, value: Any, name: str) -> Any:
        raise not_implemented(f"the parameter {name}", param=name)


def unsupported(*names: str) -> dict[str, Field]:
    """Parameters of Stripe's that the sandbox refuses."""
    return dict.fromkeys(names, Unsupported())


def load(fields: Mapping[str, Field], values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Check a mapping against its fields; what was not sent is not in the result."""
    loaded = {}
    for key, value in values.items():
        name = f"{path}[{key}]" if path else key
        if key not in fields:
            message = f"Received unknown parameter: {name}"
            raise ApiError(400, message, code="parameter_unknown", param=name)
        loaded[key] = fields[key].load(value, name)
    for key, field in fields.items():
        if field.required and key not in values:
            name = f"{path}[{key}]" if path else key
            raise ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return loaded
