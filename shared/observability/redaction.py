"""The one way an error becomes text that may be stored, shown and logged.

Database drivers print bound values in the DETAIL of their errors, libraries quote what they could not
parse: both may be somebody's name or address.
"""

import hashlib
import re
import traceback
from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import DBAPIError

_EMAIL = re.compile(r"[^\s@<>\"'(),;:=/?&]+@[^\s@<>\"'(),;:/?&]+")
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
MASK = "[masked]"


def mask_emails(text: str) -> str:
    """`text` with every e-mail address masked."""
    return _EMAIL.sub(MASK, text) if "@" in text else text


def personal_values(data: Any) -> frozenset[str]:
    """Every text inside the `person` blocks of a message's data, to be masked wherever it shows up."""
    found: set[str] = set()
    _collect(data, found, inside=False)
    return frozenset(value for value in found if len(value) > 1)


def _collect(value: Any, found: set[str], *, inside: bool) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _collect(item, found, inside=inside or key == "person")
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found, inside=inside)
    elif inside and isinstance(value, str):
        found.add(value)


def describe_error(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """One line about `error` that holds no personal data; `secrets` are values to mask besides addresses."""
    if isinstance(error, DBAPIError):
        original = error.orig
        diagnosis = getattr(original, "diag", None)
        message = getattr(diagnosis, "message_primary", None)
        if message is None:
            # SQLite names tables and columns; psycopg without a diagnosis names hosts: neither prints values.
            message = str(original).splitlines()[0] if str(original) else ""
        text = f"{type(original).__name__}: {message}"
    else:
        text = f"{type(error).__name__}: {error}"
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return mask_emails(_storable(text))[:2000]


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL, UTF-8 refuses lone surrogates: a failure must not fail to be recorded.
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def where(error: BaseException) -> str:
    """The place in our code that raised: `module.py:function`, innermost last frame first in our tree."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/services/" in f.filename or "/shared/" in f.filename]
    if not ours:
        return ""
    last = ours[-1]
    return f"{last.filename.rsplit('/', 1)[-1]}:{last.name}"


def fingerprint(error: BaseException, text: str) -> str:
    """Equal for failures of the same kind at the same place, so that they can be grouped and retried together."""
    shape = _NUMBERS.sub("#", text)
    return hashlib.sha256(f"{type(error).__name__}|{where(error)}|{shape}".encode()).hexdigest()[:16]
