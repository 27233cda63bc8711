"""Depths and ages over time, on a page that needs no JavaScript, and in the metrics."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db.engine import write_connection
from shared.messaging.depth_history import record, take_sample
from shared.ops.metrics import exposition
from shared.service import Service
from shared.web.app import create_web
from shared.worker import Worker
from tests.component.test_metrics import samples, value
from tests.support.demo_service import demo_service, sign_in, write_templates


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A small service that no worker has sampled yet."""
    write_templates(tmp_path)
    service = demo_service(tmp_path, EMBEDDED_DATABASES=f"demo=sqlite:///{tmp_path / 'demo.sqlite'}")
    yield service
    service.engine.dispose()


@pytest.fixture
def app(service: Service, tmp_path: Path) -> Flask:
    """Its web app."""
    return create_web(service, folder=tmp_path)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, signed in as ops."""
    client = app.test_client()
    client.set_cookie("rostrum_staff", sign_in(app, "ops")[1])
    return client


def sampled(service: Service, ago: timedelta, *, started: timedelta, dead: int = 0) -> None:
    """A worker that started so long ago has sampled so long ago."""
    now = datetime.now(UTC)
    values = {
        "outbox_size": 7,
        "outbox_age_seconds": 3,
        "inbox_received": 0,
        "inbox_failed": 0,
        "inbox_dead": dead,
        "sampled_at": now - ago,
        "worker_started_at": now - started,
    }
    with write_connection(service.engine) as connection:
        record(connection, values, {"demo.inbox": 4})


def test_before_the_first_sample_it_says_what_to_do(client: FlaskClient, service: Service) -> None:
    text = client.get("/demo/ops/history").text
    assert "No samples yet" in text
    assert "python -m services.demo worker" in text
    assert "No worker has shown itself" not in client.get("/demo/ops").text
    assert value(exposition([service]), "rostrum_worker_sample_age_seconds") == float("inf")


def test_charts_words_and_a_table_say_the_same(client: FlaskClient, service: Service) -> None:
    sampled(service, timedelta(minutes=3), started=timedelta(minutes=30))
    sampled(service, timedelta(seconds=5), started=timedelta(minutes=30), dead=2)
    text = client.get("/demo/ops/history").text
    assert text.count("<polyline") >= 6
    assert "2 now, at most 2" in text
    assert "Queue demo.inbox" in text
    assert re.search(r'data-label="Dead">2<', text)
    assert 'style="' not in text
    assert "<script" not in text.split("<main", 1)[1].split("</main>")[0]


def test_the_range_reaches_back_to_the_start(client: FlaskClient, service: Service) -> None:
    for started, chosen in (
        (timedelta(minutes=30), "hour"),
        (timedelta(hours=5), "day"),
        (timedelta(days=9), "month"),
    ):
        sampled(service, timedelta(), started=started)
        text = client.get("/demo/ops/history").text
        assert re.search(rf'range={chosen}" aria-current="page"', text), started
    assert 'range=day" aria-current="page"' in client.get("/demo/ops/history?range=day").text
    assert client.get("/demo/ops/history?range=<b>").status_code == 200


def test_a_worker_that_fell_silent_is_told_everywhere(client: FlaskClient, service: Service) -> None:
    sampled(service, timedelta(minutes=10), started=timedelta(hours=5))
    assert "No worker has shown itself for 10 min" in client.get("/demo/ops").text
    assert "The last sample is 10 min old" in client.get("/demo/ops/history").text
    text = exposition([service])
    assert 590 < value(text, "rostrum_worker_sample_age_seconds", service="demo") < 660
    assert not [s for s in samples(text) if s.name == "rostrum_queue_messages"]


def test_what_a_worker_samples_is_seen_by_another_process(service: Service, client: FlaskClient) -> None:
    worker = Worker(service)
    worker.start()
    try:
        for _ in range(200):
            if "No samples yet" not in client.get("/demo/ops/history").text:
                break
            worker.stopping.wait(0.05)
    finally:
        worker.stop()
    assert "0 now, 0 all the time" in client.get("/demo/ops/history").text


def test_fresh_queue_depths_are_in_the_metrics(service: Service) -> None:
    take_sample(service.engine, worker_started_at=datetime.now(UTC), queues={"demo.inbox": 4})
    assert value(exposition([service]), "rostrum_queue_messages", queue="demo.inbox") == 4
