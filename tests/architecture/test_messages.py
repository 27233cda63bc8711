"""Names carry the architecture: commands and handlers find each other, and only the owner publishes."""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from shared.contracts import REGISTRY
from shared.contracts.payment import CheckoutOpened
from shared.db.transaction import Tx
from shared.messaging.subscriptions import Handler, Subscriptions, on
from tests.architecture.source import called_name, python_files
from tests.factories.services import SERVICES, composed

services = pytest.mark.parametrize("name", SERVICES)


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def commands_of(name: str) -> dict[str, type[Any]]:
    """The commands of a service: what stands in its `commands.py`, without the parts of other commands."""
    module = importlib.import_module(f"services.{name}.commands")
    declared = _dataclasses(module)
    parts = {
        part
        for cls in declared.values()
        for hint in inspect.get_annotations(cls, eval_str=True).values()
        for part in _mentioned(hint)
    }
    return {name: cls for name, cls in declared.items() if cls not in parts}


@services
def test_every_command_is_a_frozen_fact_with_a_docstring(name: str) -> None:
    for cls in commands_of(name).values():
        assert cls.__dataclass_params__.frozen, f"{cls.__name__} is not frozen"
        assert all(field.kw_only for field in dataclasses.fields(cls)), f"{cls.__name__} is positional"
        assert cls.__doc__, f"{cls.__name__} has no docstring"
        assert not cls.__doc__.startswith(f"{cls.__name__}("), f"{cls.__name__} has no docstring"


@services
def test_every_command_has_a_handler_of_its_name_in_snake_case(name: str) -> None:
    handlers = importlib.import_module(f"services.{name}.handlers")
    for command, cls in commands_of(name).items():
        handler = getattr(handlers, snake_case(command), None)
        assert handler is not None, f"{command} needs a handler {snake_case(command)}"
        first, second = list(inspect.get_annotations(handler, eval_str=True).values())[:2]
        assert first is cls, f"{handler.__name__} takes {command} first"
        assert second is Tx, f"{handler.__name__} takes the transaction second"


@services
def test_every_handler_has_a_command(name: str) -> None:
    handlers = importlib.import_module(f"services.{name}.handlers")
    wanted = {snake_case(command) for command in commands_of(name)}
    found = {
        attribute
        for attribute, value in vars(handlers).items()
        if inspect.isfunction(value)
        and value.__module__.startswith(handlers.__name__)
        and not attribute.startswith("_")
    }
    assert found == wanted, "commands exist because page, event, command line and test ask for the same thing"


@services
def test_a_service_publishes_its_own_events_only(name: str) -> None:
    owners = {event.__name__: event.PUBLISHER for event in REGISTRY}
    foreign = [
        f"{source.at(call)}: {called_name(call)} belongs to {owners[called_name(call)]}"
        for source in python_files(f"services/{name}")
        for call in source.calls()
        if owners.get(called_name(call), name) != name
    ]
    assert foreign == []


@services
def test_every_event_is_published_by_its_owner(name: str) -> None:
    made = {called_name(call) for source in python_files(f"services/{name}") for call in source.calls()}
    made |= {
        # A class that is chosen from a table is named without being called.
        node.id if isinstance(node, ast.Name) else node.attr
        for source in python_files(f"services/{name}/handlers", f"services/{name}/domain")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    silent = [event.TYPE for event in REGISTRY if name == event.PUBLISHER and event.__name__ not in made]
    assert silent == [], "nobody would ever read them"


@services
def test_reactions_are_handlers_and_tasks_of_this_service(name: str, tmp_path: Path) -> None:
    service = composed(name, tmp_path)
    handlers = importlib.import_module(f"services.{name}.handlers")
    kernel = {"refuse_session", "refuse_before"}
    for event_type, reaction in service.subscriptions.items():
        if isinstance(reaction, Handler):
            assert hasattr(handlers, reaction.name) or reaction.name in kernel, (
                f"{event_type}: {reaction.name}"
            )
    service.engine.dispose()


def test_an_event_type_has_one_subscription_at_most() -> None:
    reaction = Handler(name="extend_hold", react=lambda event, tx: None)
    with pytest.raises(ValueError, match="two subscriptions"):
        Subscriptions(on(CheckoutOpened, reaction), on(CheckoutOpened, reaction))


def _dataclasses(module: ModuleType) -> dict[str, type[Any]]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and dataclasses.is_dataclass(value)
        and value.__module__.startswith(module.__name__)
    }


def _mentioned(hint: Any) -> set[Any]:
    return {hint} | {inner for argument in get_args(hint) for inner in _mentioned(argument)}
