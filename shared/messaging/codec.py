"""Events to message bodies and back: strict when writing, tolerant when reading, and quick both ways."""

import json
from datetime import datetime
from typing import Any, NamedTuple, NoReturn

from marshmallow import ValidationError

from shared.errors import Permanent
from shared.messaging import schema
from shared.messaging.compiled import NotPlain, Reader, Writer, compiled_for
from shared.messaging.envelope import BadEnvelope, Envelope, read_envelope, write_head
from shared.messaging.event import Event, EventRegistry
from shared.messaging.shape import PERSON, references_in

MAX_REASON = 300
"""Characters of the reason kept with an unreadable message: enough to mend it, short enough for a list."""


class Unreadable(Permanent):
    """The body is not a message of the contract: dead at once, raw bytes kept. The reason quotes no value."""


class InvalidEvent(ValueError):
    """This process tried to publish an event that breaks its own contract. The text quotes no value."""


class Encoded(NamedTuple):
    """A body ready for the outbox.

    `redacted` is the same body with every `person` replaced by null, or None when the event carries none;
    `references` are the ids by which the message can be searched.
    """

    body: str
    redacted: str | None
    references: tuple[str, ...]


class Decoded(NamedTuple):
    """A body that was read. `redacted` and `references` as in `Encoded`."""

    envelope: Envelope
    event: Event
    redacted: str | None
    references: tuple[str, ...]


class Codec:
    """Knows every event of one registry. Built once per process: prepares a reader and a writer for each."""

    def __init__(self, registry: EventRegistry) -> None:
        self._registry = registry
        self._readers: dict[str, Reader] = {}
        self._writers: dict[type[Event], Writer] = {}
        for cls in registry:
            compiled = compiled_for(cls)
            self._readers[cls.TYPE] = compiled.read
            self._writers[cls] = compiled.write

    def encode(
        self,
        event: Event,
        *,
        message_id: str,
        time: datetime,
        correlation_id: str,
        causation_id: str | None,
        source: str,
        sequence: int | None,
    ) -> Encoded:
        """Validate an event and write it; raises `InvalidEvent` when it breaks its contract."""
        collected: list[str] = []
        try:
            whole, public = self._writers[type(event)](event, collected)
            references = tuple(dict.fromkeys(collected))
        except (NotPlain, KeyError):
            whole, public, references = self._encode_by_schema(event)
        try:
            head = write_head(
                message_id=message_id,
                event_type=event.TYPE,
                source=source,
                subject=str(event.aggregate_id),
                time=time,
                correlation_id=correlation_id,
                causation_id=causation_id,
                sequence=sequence,
            )
        except BadEnvelope as error:
            raise InvalidEvent(f"{event.TYPE}: {error}") from None
        return Encoded(
            body=f"{head}{whole}}}",
            redacted=None if public == whole else f"{head}{public}}}",
            references=references,
        )

    def decode(self, body: bytes) -> Decoded:
        """Read a body; raises `Unreadable`, or `UnknownEventType` when only the type is strange."""
        try:
            text = body.decode()
            raw = _JSON.decode(text)
            envelope = read_envelope(raw)
            redacted = _redact(text, raw)
        except BadEnvelope as error:
            raise Unreadable(str(error)) from None
        except (ValueError, RecursionError) as error:
            # What the parser raises holds the whole body, which may hold personal data.
            raise Unreadable(f"not JSON in UTF-8: {type(error).__name__}") from None
        cls = self._registry.get(envelope.type)
        collected: list[str] = []
        try:
            event: Event = self._readers[envelope.type](envelope.data, collected)
            references = tuple(dict.fromkeys(collected))
        except NotPlain:
            event = _load_by_schema(cls, envelope.data)
            references = references_in(event)
        return Decoded(envelope, event, redacted, references)

    def _encode_by_schema(self, event: Event) -> tuple[str, str, tuple[str, ...]]:
        if type(event) not in self._writers:
            raise InvalidEvent(f"{type(event).__name__} is not declared in this registry")
        try:
            data = schema.check_and_dump(event)
        except ValidationError as error:
            raise InvalidEvent(f"{event.TYPE}: {schema.explain(error)}") from None
        return _dumps(data), _dumps(_blanked(data)), references_in(event)


def redact(body: str) -> str | None:
    """The body with every `person` replaced by null; None when it carries none. Raises `ValueError`."""
    return _redact(body, _JSON.decode(body))


def _load_by_schema(cls: type[Event], data: Any) -> Event:
    try:
        event = schema.load(cls, data)
    except ValidationError as error:
        raise Unreadable(f"data: {schema.explain(error)}"[:MAX_REASON]) from None
    assert isinstance(event, Event)
    return event


def _redact(text: str, raw: Any) -> str | None:
    # Almost every message is settled by this search; the second part is for keys spelled with escapes.
    if f'"{PERSON}"' not in text and "\\u" not in text:
        return None
    blanked = _blanked(raw)
    return None if blanked == raw else _dumps(blanked)


def _blanked(value: Any) -> Any:
    if type(value) is dict:
        return {key: None if key == PERSON else _blanked(below) for key, below in value.items()}
    if type(value) is list:
        return [_blanked(item) for item in value]
    return value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _once_each(members: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two members with one name the last would count, and whatever the first one held would be kept for
    # ever: what is not read is not blanked either.
    read = dict(members)
    if len(read) != len(members):
        raise ValueError("a name comes twice in one object")
    return read


_JSON = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_once_each)
