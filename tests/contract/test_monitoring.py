"""Alerts and dashboard name only what the services really tell, and every alert is in the runbook."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from shared.contracts.manifest import MANIFEST
from shared.db.migrate import upgrade
from shared.messaging.depth_history import take_sample
from shared.messaging.embedded_bus import EmbeddedBus
from shared.observability import metrics
from shared.observability.metrics import REGISTRY
from shared.ops.metrics import exposition
from shared.worker import Worker
from shared.worker_health import WorkerState
from tests.factories.services import SERVICES, composed

ROOT = Path(__file__).resolve().parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][
    0
]["rules"]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/rostrum.json").read_text())
SCRAPED = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]

NAME = re.compile(r"\brostrum_[a-z_]+")
SELECTOR = re.compile(r"\b(rostrum_[a-z_]+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GIVEN_BY_PROMETHEUS = {"instance", "job", "le"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Metric → labels, of the three services' web processes and workers."""
    labels: dict[str, set[str]] = defaultdict(set)
    for family in REGISTRY.collect():
        for suffix in {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(
            family.type, ("",)
        ):
            labels[family.name + suffix] |= set()
    # What has labels names them where it is declared, whether or not anything was counted yet.
    for instrument in [*vars(metrics).values(), _join_latency()]:
        names = getattr(instrument, "_labelnames", None)
        if names is not None:
            for suffix in ("_bucket", "_count", "_sum", "_total"):
                labels[f"{instrument._name}{suffix}"] |= set(names)
    folder = tmp_path_factory.mktemp("monitoring")
    files = {name: f"sqlite:///{folder / name}.db" for name in SERVICES}
    for name in SERVICES:
        service = composed(name, folder)
        upgrade(service.engine, service.migrations, service.metadata)
        queues = {
            queue: 0 for each in MANIFEST.subscriptions for queue in (f"{each}.inbox", f"{each}.crashed")
        }
        take_sample(service.engine, worker_started_at=service.clock.now(), queues=queues)
        worker = Worker(service, bus=EmbeddedBus(files, MANIFEST))
        text = exposition([service], WorkerState([worker])).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels[sample.name] |= set(sample.labels)
        service.engine.dispose()
    return labels


def _join_latency() -> Any:
    from services.certification.handlers.settlement import JOIN_LATENCY

    return JOIN_LATENCY


def expressions() -> list[tuple[str, str]]:
    """Where each stands, and what it says."""
    found = [(f"alert {rule['alert']}", rule["expr"]) for rule in RULES]
    for panel in DASHBOARD["panels"]:
        found += [(f"panel {panel['title']}", target["expr"]) for target in panel["targets"]]
    found += [
        ("a variable", each["definition"]) for each in DASHBOARD["templating"]["list"] if "definition" in each
    ]
    return found


def test_every_metric_they_name_exists_with_its_labels(known: dict[str, set[str]]) -> None:
    wrong = []
    for where, text in expressions():
        names = NAME.findall(text)
        assert names or "up{" in text, where
        wrong += [f"{where}: no metric {name}" for name in names if name not in known]
        for name, chosen in SELECTOR.findall(text):
            wrong += [
                f"{where}: {name} has no label {label}"
                for label in LABEL.findall(chosen)
                if name in known and label not in known[name] | GIVEN_BY_PROMETHEUS
            ]
        for group in re.findall(r"\bby \(([^)]*)\)", text):
            wanted = {label.strip() for label in group.split(",")} - GIVEN_BY_PROMETHEUS
            given = set().union(*(known.get(name, set()) for name in names)) if names else wanted
            wrong += [f"{where}: nothing has the label {label}" for label in wanted - given]
    assert wrong == []


def test_every_metric_is_looked_at(known: dict[str, set[str]]) -> None:
    text = " ".join(text for _, text in expressions())
    named = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in NAME.findall(text)}
    there = {
        re.sub(r"_(bucket|count|sum|created)$", "", name) for name in known if name.startswith("rostrum_")
    }
    # Of a counter the library also tells without its ending.
    there = {
        name for name in there if f"{name}_total" not in there and not re.search(r"_seconds_total$", name)
    }
    assert there - named == set()


def test_names_say_their_unit() -> None:
    for family in REGISTRY.collect():
        if family.name.startswith("rostrum_"):
            assert family.documentation.endswith("."), family.name
            if family.type == "histogram":
                assert family.name.endswith("_seconds"), family.name


def test_every_alert_is_in_the_runbook() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    for rule in RULES:
        assert f"`{rule['alert']}`" in runbook, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_every_process_of_the_compose_file_is_scraped() -> None:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    wanted = {(name, 8000) for name in services if name.endswith(("-web", "-worker"))}
    looked_up = [each for job in SCRAPED for each in job["dns_sd_configs"]]
    assert {(name, each["port"]) for each in looked_up for name in each["names"]} == wanted
    # All addresses of a name, since a service may have several containers.
    assert {each["type"] for each in looked_up} == {"A"}


def test_every_process_that_is_gone_is_missed() -> None:
    """Found by name, one that is stopped vanishes from what is asked: `up == 0` never comes."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    (gone,) = (rule["expr"] for rule in RULES if rule["alert"] == "ProcessGone")
    missed = set(re.findall(r'absent\(up\{process="([\w-]+)"\}\)', gone))
    assert missed == {name for name in services if name.endswith(("-web", "-worker"))}
    for job in SCRAPED:
        assert {"source_labels": ["__meta_dns_name"], "target_label": "process"} in job["relabel_configs"]
