"""The AsyncAPI document is current and complete."""

from typing import Any

import pytest
import yaml

from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import ASYNCAPI, document, read_examples

TYPES = {event.TYPE for event in REGISTRY}


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ASYNCAPI.read_text())
    return loaded


def test_the_committed_document_is_what_the_code_makes_now() -> None:
    assert ASYNCAPI.read_text() == document(), "run `make contracts`"


def test_every_event_has_a_channel_and_a_message(published: dict[str, Any]) -> None:
    assert published["asyncapi"] == "3.0.0"
    assert set(published["channels"]) == set(published["components"]["messages"]) == TYPES


def test_every_event_is_sent_by_its_publisher_and_received_by_its_readers(published: dict[str, Any]) -> None:
    sent = {f"{event.PUBLISHER}.sends.{event.TYPE}" for event in REGISTRY}
    received = {
        f"{reader}.receives.{event_type}"
        for reader, types in MANIFEST.subscriptions.items()
        for event_type in types
    }
    assert set(published["operations"]) == sent | received


def test_every_reference_leads_somewhere(published: dict[str, Any]) -> None:
    references = list(_references(published))
    assert references
    for reference in references:
        target: Any = published
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_examples_are_in_it(published: dict[str, Any]) -> None:
    shown = [
        example["payload"]
        for message in published["components"]["messages"].values()
        for example in message["examples"]
    ]
    assert sorted(shown, key=str) == sorted(read_examples().values(), key=str)


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "$ref":
                yield below
            else:
                yield from _references(below)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
