"""The envelope of every message: CloudEvents 1.0, structured JSON, with correlation and causation."""

import json.encoder
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from shared.messaging.schema import instant_text

MAX_ATTRIBUTE = 500
"""Characters in one attribute: they are indexed, and an index entry has a limit of about 2,700 bytes."""

_quote = json.encoder.encode_basestring

_attribute = re.compile(rf"[^\x00\ud800-\udfff]{{1,{MAX_ATTRIBUTE}}}").fullmatch
"""Clean text of the allowed length, as `is_clean_text` says it, in one step: every message has eight of them."""

_event_type = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+", re.ASCII).fullmatch


class BadEnvelope(ValueError):
    """An attribute is missing or wrong. The text names it and quotes no value."""


class Envelope(NamedTuple):
    """What is known of a message besides its event.

    `correlation_id` is the same in everything that one request caused, `causation_id` is the id of the
    message whose handling published this one, `sequence` counts the versions of the aggregate in `subject`.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    correlation_id: str
    causation_id: str | None
    sequence: int | None
    data: Mapping[str, Any]


def write_head(
    *,
    message_id: str,
    event_type: str,
    source: str,
    subject: str,
    time: datetime,
    correlation_id: str,
    causation_id: str | None,
    sequence: int | None,
) -> str:
    """The JSON text up to and including `"data":`; the caller appends the data and `}`."""
    if time.utcoffset() is None:
        raise BadEnvelope("time: must be aware")
    # CloudEvents' sequence extension is a string that sorts like the number it stands for.
    return (
        f'{{"specversion":"1.0","id":{_written("id", message_id)},"type":{_repeated("type", event_type)},'
        f'"source":{_repeated("source", source)},"subject":{_written("subject", subject)},'
        f'"time":"{instant_text(time)}","datacontenttype":"application/json",'
        f'"correlationid":{_written("correlationid", correlation_id)}'
        + ("" if causation_id is None else f',"causationid":{_written("causationid", causation_id)}')
        + ("" if sequence is None else f',"sequence":"{sequence:010d}"')
        + ',"data":'
    )


def read_envelope(raw: Any) -> Envelope:
    """Read parsed JSON; attributes this version does not know are left out. Raises `BadEnvelope`."""
    if type(raw) is not dict:
        raise BadEnvelope("message: not a JSON object")
    if raw.get("specversion") != "1.0":
        raise BadEnvelope("specversion: must be 1.0")
    if raw.get("datacontenttype", "application/json") != "application/json":
        raise BadEnvelope("datacontenttype: must be application/json")
    data = raw.get("data")
    if type(data) is not dict:
        raise BadEnvelope("data: must be a JSON object")
    event_type = _text(raw, "type")
    if _event_type(event_type) is None:
        raise BadEnvelope("type: must be words separated by dots")
    message_id = _text(raw, "id")
    return Envelope(
        id=message_id,
        type=event_type,
        source=_text(raw, "source"),
        subject=_text(raw, "subject"),
        time=_time(raw),
        # Without a correlation a message starts its own.
        correlation_id=_text(raw, "correlationid") if "correlationid" in raw else message_id,
        causation_id=None if raw.get("causationid") is None else _text(raw, "causationid"),
        sequence=_sequence(raw),
        data=data,
    )


def _written(name: str, value: str) -> str:
    if _attribute(value) is None:
        raise BadEnvelope(f"{name}: must be text of 1 to {MAX_ATTRIBUTE} characters")
    return _quote(value)


# Types and sources are few and in every message.
_repeated = lru_cache(maxsize=1024)(_written)


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if type(value) is not str or _attribute(value) is None:
        raise BadEnvelope(f"{name}: must be text of 1 to {MAX_ATTRIBUTE} characters")
    return value


def _time(raw: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(_text(raw, "time"))
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        # The parser's own words would quote the value.
        raise BadEnvelope("time: not a moment in RFC 3339") from None
    raise BadEnvelope("time: must be aware")


def _sequence(raw: Mapping[str, Any]) -> int | None:
    value = raw.get("sequence")
    if value is None:
        return None
    if type(value) is str and len(value) <= 18 and value.isascii() and value.isdecimal():
        return int(value)
    raise BadEnvelope("sequence: must be decimal digits")
