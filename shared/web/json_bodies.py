"""What no schema should have to refuse: JSON that spells what cannot be stored, or is nested without end."""

import json
from typing import Any

from flask import request

from shared.errors import Malformed

_DEEP = 500
_READING = {"GET", "HEAD", "OPTIONS"}


def refuse_unstorable_text() -> None:
    """Refuse NUL and lone surrogates, which JSON can spell and no database stores, and endless nesting."""
    if request.method in _READING or not request.is_json:
        return
    body = request.get_data(cache=True)
    if b"\\u" not in body.lower() and body.count(b"[") + body.count(b"{") < _DEEP:
        return
    try:
        json.dumps(_without_nul(json.loads(body)), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("unclean_text", "The body holds half of a character (a lone surrogate).") from None
    except RecursionError:
        raise Malformed("malformed", "The body is nested too deeply.") from None
    except ValueError:
        # Whether it is JSON at all is said by whoever parses it.
        return


def _without_nul(value: Any) -> Any:
    if isinstance(value, str) and "\x00" in value:
        raise Malformed("unclean_text", "The body holds NUL characters.")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
