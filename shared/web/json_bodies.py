"""What no schema should have to refuse: JSON that spells what cannot be stored, or is nested without end."""

import json
import re
from typing import Any

from flask import request
from marshmallow import fields

from shared.errors import Malformed

_DEEP = 500
_long_number = re.compile(rb"\d{1000}").search
_READING = {"GET", "HEAD", "OPTIONS"}


class WholeNumber(fields.Integer):
    """An integer as JSON knows it: 5 and 5.0 are the same number, 5.5 and "5" are none."""

    def __init__(self, **more: Any) -> None:
        super().__init__(strict=True, **more)

    def _validated(self, value: Any) -> int:
        return super()._validated(int(value) if isinstance(value, float) and value.is_integer() else value)


def refuse_unstorable_text() -> None:
    """Refuse NUL and lone surrogates, which JSON can spell and no database stores, endless nesting and numbers."""
    if request.method in _READING or not request.is_json:
        return
    body = request.get_data(cache=True)
    if b"\\u" not in body.lower() and body.count(b"[") + body.count(b"{") < _DEEP and not _long_number(body):
        return
    try:
        json.dumps(_without_nul(json.loads(body)), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("unclean_text", "The body holds half of a character (a lone surrogate).") from None
    except RecursionError:
        raise Malformed("malformed", "The body is nested too deeply.") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        # Whether it is JSON at all is said by whoever parses it.
        return
    except ValueError:
        # Python reads no integer of more than 4,300 digits, and says so by another error than for bad JSON.
        raise Malformed("malformed", "The body holds a number that is too long.") from None


def _without_nul(value: Any) -> Any:
    if isinstance(value, str) and "\x00" in value:
        raise Malformed("unclean_text", "The body holds NUL characters.")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
