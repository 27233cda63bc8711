"""The AsyncAPI 3.0 document of a registry and a manifest: who sends what, who receives it, in which shape."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.messaging.bus import Manifest
from shared.messaging.event import Event, EventRegistry
from shared.messaging.json_schema import json_schema

Examples = Mapping[str, Sequence[Mapping[str, Any]]]
"""Event type → whole messages."""


def asyncapi_document(
    registry: EventRegistry,
    manifest: Manifest,
    examples: Examples,
    *,
    title: str,
    version: str,
    exchange: str,
) -> dict[str, Any]:
    """One channel per event type, one send operation per publisher, one receive operation per reader."""
    events = sorted(registry, key=lambda cls: cls.TYPE)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": (
                "Every message is a CloudEvent 1.0 in structured JSON. Delivery is at least once, normally in"
                " order per subject, never in a global order. Readers leave out fields they do not know."
                " Personal data travels only in objects called `person`."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {cls.TYPE: _channel(cls, exchange) for cls in events},
        "operations": {
            **{f"{cls.PUBLISHER}.sends.{cls.TYPE}": _operation("send", cls.TYPE) for cls in events},
            **{
                f"{reader}.receives.{event_type}": _operation("receive", event_type)
                for reader in sorted(manifest.subscriptions)
                for event_type in sorted(manifest.subscriptions[reader])
            },
        },
        "components": {
            "messages": {cls.TYPE: _message(cls, examples.get(cls.TYPE, ())) for cls in events},
            "schemas": {
                "Envelope": _envelope(),
                **{cls.__name__ + _version(cls): json_schema(cls) for cls in events},
            },
        },
    }


def _version(cls: type[Event]) -> str:
    """The version, unless the class name carries it (from the second on it does)."""
    version = cls.TYPE.rsplit(".", 1)[-1].upper()
    return "" if version == "V1" or cls.__name__.endswith(version) else version


def _channel(cls: type[Event], exchange: str) -> dict[str, Any]:
    return {
        "address": cls.TYPE,
        "messages": {cls.TYPE: {"$ref": f"#/components/messages/{cls.TYPE}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
            }
        },
    }


def _operation(action: str, event_type: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{event_type}"},
        "messages": [{"$ref": f"#/channels/{event_type}/messages/{event_type}"}],
    }


def _message(cls: type[Event], examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": cls.TYPE,
        "title": cls.__name__,
        "summary": (cls.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/cloudevents+json",
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": cls.TYPE},
                        "data": {"$ref": f"#/components/schemas/{cls.__name__}{_version(cls)}"},
                    },
                },
            ]
        },
        "examples": [{"payload": example} for example in examples],
    }


def _envelope() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 500}
    return {
        "type": "object",
        "description": "CloudEvents 1.0 with the extensions correlationid, causationid and sequence.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "description": "Unique per message; repeats of a message keep it."},
            "type": text,
            "source": {**text, "description": "The publishing service."},
            "subject": {**text, "description": "The id of the aggregate the event tells of."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "correlationid": {**text, "description": "The same in everything that one request caused."},
            "causationid": {**text, "description": "The message whose handling published this one."},
            "sequence": {
                "type": "string",
                "pattern": "^[0-9]{1,18}$",
                "description": "The aggregate's version, with leading zeros.",
            },
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "type", "source", "subject", "time", "data"],
    }
