"""`/metrics`: what is in it, what is never in it, and that a database which is away costs only its own figures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from shared.db.engine import write_connection
from shared.db.kernel_tables import outbox
from shared.ids import new_id
from shared.messaging.inbox import Failure, new_row, store, store_dead
from shared.observability.metrics import REGISTRY, Meter, StoredGauge
from shared.ops.metrics import exposition
from shared.service import Service
from shared.web.app import create_web
from tests.support.demo_service import demo_service, write_templates

FAILURE = Failure(kind="failed", error="ValueError: no", fingerprint="f1")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A small service on a file."""
    write_templates(tmp_path)
    service = demo_service(tmp_path)
    yield service
    service.engine.dispose()


def samples(text: str | bytes) -> list[Sample]:
    """What a scrape holds; the library's own reader refuses what is not well-formed."""
    words = text.decode() if isinstance(text, bytes) else text
    return [sample for family in text_string_to_metric_families(words) for sample in family.samples]


def value(text: str | bytes, name: str, **labels: str) -> float:
    """The one sample with these labels among others."""
    (found,) = [
        sample.value
        for sample in samples(text)
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


def row(message_id: str, kind: str = "thing.happened.v1") -> dict[str, object]:
    return new_row(consumer="bus", message_id=message_id, type=kind, payload="{}", correlation_id="c")


class TestStored:
    def test_the_outbox_has_size_and_age_in_real_time(self, service: Service) -> None:
        text = exposition([service])
        assert value(text, "rostrum_outbox_messages", service="demo") == 0
        assert value(text, "rostrum_outbox_oldest_age_seconds", service="demo") == 0
        with write_connection(service.engine) as connection:
            connection.execute(
                outbox.insert().values(
                    id=new_id(), aggregatetype="thing", aggregateid="1", type="thing.happened.v1", payload="{}",
                    # Business time may have been moved by days: the age must not follow it.
                    headers="{}", created_at=datetime.now(UTC) - timedelta(days=2),
                )
            )  # fmt: skip
        text = exposition([service])
        assert value(text, "rostrum_outbox_messages", service="demo") == 1
        assert 0 < value(text, "rostrum_outbox_oldest_age_seconds", service="demo") < 60

    def test_the_inbox_by_state_with_zeros_for_what_is_not_there(self, service: Service) -> None:
        with write_connection(service.engine) as connection:
            store(connection, [row("1"), row("2")])
            store_dead(connection, row("3"), FAILURE)
        text = exposition([service])

        def count(state: str) -> float:
            return value(text, "rostrum_inbox_messages", service="demo", source="bus", state=state)

        assert (count("received"), count("failed"), count("dead")) == (2, 0, 1)
        assert 0 <= value(text, "rostrum_inbox_oldest_age_seconds", state="dead") < 60
        assert value(text, "rostrum_inbox_unavailable_oldest_age_seconds", service="demo") == 0

    def test_a_database_that_is_away_costs_its_own_figures_only(
        self, service: Service, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        other = demo_service(tmp_path / "other")
        object.__setattr__(other, "name", "other")
        with write_connection(other.engine) as connection:
            connection.exec_driver_sql("DROP TABLE inbox")
        text = exposition([service, other])
        assert value(text, "rostrum_database_up", service="demo") == 1
        assert value(text, "rostrum_database_up", service="other") == 0
        assert value(text, "rostrum_outbox_messages", service="demo") == 0
        assert value(text, "rostrum_database_connections", service="other", state="in_use") == 0
        other.engine.dispose()

    def test_a_service_gives_figures_of_its_own(self, service: Service) -> None:
        gauge = StoredGauge(name="rostrum_things", help="Things.", read=lambda session, now: now.year)
        object.__setattr__(service, "gauges", (gauge,))
        assert value(exposition([service]), "rostrum_things", service="demo") == service.clock.now().year


class TestWeb:
    def test_a_request_is_counted_under_its_route_not_its_path(
        self, service: Service, tmp_path: Path
    ) -> None:
        client = create_web(service, folder=tmp_path).test_client()

        def count(**labels: str) -> float:
            name = "rostrum_http_request_seconds_count"
            return REGISTRY.get_sample_value(name, {"service": "demo", **labels}) or 0.0

        seen = {"method": "GET", "route": "/things/<token>", "status": "404"}
        nowhere = {"method": "GET", "route": "none", "status": "404"}
        invented = {"method": "other", "route": "none", "status": "404"}
        before = [count(**labels) for labels in (seen, nowhere, invented)]
        token = "a-secret-token-that-opens-a-page"
        client.get(f"/things/{token}")
        client.get(f"/nowhere/{token}")
        client.open(f"/nowhere/{token}", method="EAT")
        after = [count(**labels) for labels in (seen, nowhere, invented)]
        assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]
        text = client.get("/metrics").text
        assert token not in text
        assert "EAT" not in text

    def test_it_is_plain_text_for_everybody_who_reaches_the_port(
        self, service: Service, tmp_path: Path
    ) -> None:
        answer = create_web(service, folder=tmp_path).test_client().get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        assert value(answer.text, "rostrum_database_up", service="demo") == 1
        assert "process_resident_memory_bytes" in answer.text

    def test_probes_and_scrapes_are_not_counted(self, service: Service, tmp_path: Path) -> None:
        client = create_web(service, folder=tmp_path).test_client()
        for path in ("/healthz", "/readyz", "/metrics", "/metrics"):
            client.get(path)
        routes = {sample.labels.get("route") for sample in samples(exposition([service]))}
        assert not routes & {"/healthz", "/readyz", "/metrics"}

    def test_one_process_with_several_services_gives_one_answer(
        self, service: Service, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        other = demo_service(tmp_path / "other")
        object.__setattr__(other, "name", "other")
        app = create_web(service, folder=tmp_path, together=[service, other])
        text = app.test_client().get("/metrics").text
        assert {s.labels["service"] for s in samples(text) if s.name == "rostrum_database_up"} == {
            "demo",
            "other",
        }
        assert text.count("# TYPE rostrum_database_up ") == 1
        other.engine.dispose()


def test_no_label_can_hold_an_id() -> None:
    allowed = {
        "service",
        "method",
        "route",
        "status",
        "handler",
        "task",
        "timer",
        "outcome",
        "source",
        "stage",
    }
    bounds = {"le"}
    Meter("demo").handler("x", "handled", 0.1)
    found = {name for sample in samples(generate_latest(REGISTRY)) for name in sample.labels}
    assert found - bounds <= allowed
