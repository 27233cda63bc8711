"""The one registry in which every business event is declared."""

from shared.messaging.event import EventRegistry

REGISTRY = EventRegistry()
