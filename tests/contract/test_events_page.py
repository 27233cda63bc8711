"""The page of events says what asyncapi.yaml says: each event, its publisher, its readers, its fields."""

from pathlib import Path

import pytest
import yaml

from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import ASYNCAPI
from shared.web.app import create_web
from shared.web.events_page import events_of
from tests.factories.services import SERVICES, composed


def test_every_event_is_told_as_the_document_has_it() -> None:
    found = {event.type: event for event in events_of(yaml.safe_load(ASYNCAPI.read_text()))}
    assert set(found) == {event.TYPE for event in REGISTRY}
    for event in REGISTRY:
        shown = found[event.TYPE]
        assert shown.publisher == event.PUBLISHER
        readers = {name for name, types in MANIFEST.subscriptions.items() if event.TYPE in types}
        assert set(shown.readers) == readers
        assert {path for path, _ in shown.fields} >= set(event.__annotations__)
        assert event.TYPE in shown.example


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_shows_all_of_them(name: str, tmp_path: Path) -> None:
    service = composed(name, tmp_path)
    page = create_web(service).test_client().get(f"/{name}/docs/events")
    service.engine.dispose()
    assert page.status_code == 200
    missing = [event.TYPE for event in REGISTRY if f'id="{event.TYPE}"' not in page.text]
    assert missing == []
