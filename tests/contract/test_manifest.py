"""What the manifest binds to a service's queue is what the service has reactions for."""

from pathlib import Path

import pytest

from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from tests.factories.services import SERVICES, composed


def test_the_manifest_names_the_three_services_and_known_events() -> None:
    assert set(MANIFEST.subscriptions) == set(SERVICES)
    known = {event.TYPE for event in REGISTRY}
    assert {kind for types in MANIFEST.subscriptions.values() for kind in types} <= known


def test_every_event_has_a_reader() -> None:
    read = {kind for types in MANIFEST.subscriptions.values() for kind in types}
    assert {event.TYPE for event in REGISTRY} - read == set(), "nobody reads it: do not publish it"


@pytest.mark.parametrize("name", SERVICES)
def test_the_manifest_is_the_service_s_own_table(name: str, tmp_path: Path) -> None:
    service = composed(name, tmp_path)
    assert set(service.subscriptions) == MANIFEST.subscriptions[name]
    service.engine.dispose()
