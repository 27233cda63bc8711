"""Every event has a committed example, and every example is exactly what this code would write."""

import json
import re
from typing import Any

import pytest

from shared.contracts import REGISTRY
from shared.contracts.published import EXAMPLES, example_problems, read_examples
from shared.messaging.codec import Codec
from shared.messaging.event import Event

examples = pytest.mark.parametrize("name", sorted(read_examples()))
events = pytest.mark.parametrize("event", list(REGISTRY), ids=lambda event: event.TYPE)


def test_every_event_has_an_example_and_every_example_is_what_would_be_written() -> None:
    assert example_problems(read_examples()) == []


@examples
def test_people_in_examples_are_fictional(name: str) -> None:
    text = (EXAMPLES / f"{name}.json").read_text()
    assert all(host == "example.com" for host in re.findall(r"@([\w.-]+)", text))


@examples
def test_redacting_an_example_takes_every_personal_value_out_and_nothing_else(name: str) -> None:
    example = read_examples()[name]
    redacted = Codec(REGISTRY).decode(json.dumps(example).encode()).redacted
    personal = list(_personal_values(example["data"]))
    assert (redacted is not None) == bool(personal)
    if redacted is not None:
        assert not [value for value in personal if isinstance(value, str) and f'"{value}"' in redacted]
        assert [path for path, _ in _leaves(json.loads(redacted)) if "person" not in path] == [
            path for path, _ in _leaves(example) if "person" not in path
        ]


@events
def test_the_name_on_the_wire_is_the_name_of_the_class(event: type[Event]) -> None:
    *words, verb, version = event.TYPE.split(".")
    assert re.fullmatch(r"v[1-9][0-9]*", version), "the last part is the version"
    assert len(words) == 1, "subject.verb.version"
    spoken = "".join(part.title() for part in f"{words[0]}_{verb}".split("_"))
    assert event.__name__ in (spoken, spoken + version.upper()), f"{event.TYPE} should be called {spoken}"
    assert not event.__name__.endswith("Event")


@events
def test_the_publisher_declares_its_events_in_its_own_file(event: type[Event]) -> None:
    assert event.__module__ == f"shared.contracts.{event.PUBLISHER}"


@events
def test_the_key_is_an_id_of_the_event(event: type[Event]) -> None:
    assert event.__annotations__[event.KEY].__name__ == "UUID"
    assert f"{event.AGGREGATE}_id" == event.KEY


def _personal_values(value: Any, inside: bool = False) -> Any:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _personal_values(below, inside or key == "person")
    elif isinstance(value, list):
        for item in value:
            yield from _personal_values(item, inside)
    elif inside:
        yield value


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield path, value
