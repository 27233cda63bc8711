"""What an event is: a frozen fact with a type on the wire, declared once in a registry.

The kernel knows no business event. A contracts package creates one `EventRegistry`, declares its
events in it, and the composition root hands the registry to the service.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from uuid import UUID

from shared.errors import Permanent
from shared.messaging.shape import record_of

E = TypeVar("E", bound="Event")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of every event. Subclasses are frozen, keyword-only dataclasses with a docstring.

    Fields may be `str`, `int`, `bool`, `UUID`, aware `datetime`, a `Literal` of strings, a nested
    frozen dataclass, `tuple[X, ...]` of these, or any of them `| None`. Personal data is allowed only
    in a field called `person`, whose value is a dataclass of its own.
    """

    TYPE: ClassVar[str]
    PUBLISHER: ClassVar[str]
    AGGREGATE: ClassVar[str]
    KEY: ClassVar[str]

    @property
    def aggregate_id(self) -> UUID:
        """The id of the aggregate this event tells of; messages about one aggregate keep their order."""
        value = getattr(self, self.KEY)
        assert isinstance(value, UUID)
        return value


class UnknownEventType(Permanent):
    """No event of this type and version is known to this process."""


class EventRegistry:
    """All event classes, by type on the wire (`subject.verb.v1`, which is also the routing key)."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Event]] = {}

    def event(
        self, event_type: str, *, publisher: str, aggregate: str, key: str
    ) -> Callable[[type[E]], type[E]]:
        """Class decorator: declare the event `event_type`, published by one service.

        `aggregate` names what the event is about, `key` the field that holds that thing's id.
        """

        def declare(cls: type[E]) -> type[E]:
            if event_type in self._classes:
                raise ValueError(f"{event_type} is declared twice")
            if not cls.__doc__:
                raise ValueError(f"{cls.__name__} needs a docstring: events are documentation")
            # A type that cannot go on the wire is an error here, while the contract is imported.
            record_of(cls)
            cls.TYPE, cls.PUBLISHER, cls.AGGREGATE, cls.KEY = event_type, publisher, aggregate, key
            self._classes[event_type] = cls
            return cls

        return declare

    def get(self, event_type: str) -> type[Event]:
        """The class of a type on the wire; raises `UnknownEventType`."""
        try:
            return self._classes[event_type]
        except KeyError:
            raise UnknownEventType(f"no event type {event_type!r} is known here") from None

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._classes.values())
