"""A worker says whether it lives and whether it can work; the web does not wait for the broker."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.payment.app import build
from services.payment.settings import Settings
from shared.config import load_settings
from shared.db.migrate import upgrade
from shared.service import Service
from shared.web.app import create_web
from shared.worker import Loop, Worker
from shared.worker_health import answering
from tests.support.process import Port, clean_environment
from tests.support.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def eventually(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Payment's settings, on files."""
    files = {name: f"sqlite:///{folder / name}.db" for name in ("enrollment", "payment", "certification")}
    return {
        "ROSTRUM_MODE": "sandbox",
        "WORKER_PORT": "0",
        "DATABASE_URL": files["payment"],
        "EMBEDDED_DATABASES": ",".join(f"{name}={url}" for name, url in files.items()),
        **more,
    }


def payment(environ: dict[str, str], *, migrated: bool = True) -> Service:
    """The service as its composition root builds it."""
    service = build(load_settings(Settings, environ))
    if migrated:
        upgrade(service.engine, service.migrations, service.metadata)
    return service


@pytest.fixture
def on_files(tmp_path: Path) -> Iterator[Worker]:
    """A worker that was not started yet."""
    worker = Worker(payment(environment(tmp_path)))
    yield worker
    worker.stop()
    worker.service.engine.dispose()


def test_a_worker_is_alive_once_it_runs(on_files: Worker) -> None:
    with answering([on_files]) as port:
        assert port is not None
        assert ask(port, "/healthz")[0] == 503
        on_files.start()
        assert ask(port, "/healthz") == (200, {"service": "payment", "ok": True, "stopped": []})
        assert ask(port, "/elsewhere")[0] == 404


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_ended_is_named(on_files: Worker) -> None:
    def give_up() -> int:
        raise SystemExit

    on_files.start([Loop(name="payment-relay", step=give_up, idle_seconds=0)])
    with answering([on_files]) as port:
        assert port is not None
        eventually(lambda: ask(port, "/healthz")[0] == 503)
        assert ask(port, "/healthz")[1]["stopped"] == ["payment-relay"]


def test_a_worker_that_is_told_to_stop_is_not_ready(on_files: Worker) -> None:
    on_files.start()
    with answering([on_files]) as port:
        assert port is not None
        status, report = ask(port, "/readyz")
        assert (status, set(report["checks"])) == (200, {"database", "migrations", "bus", "running"})
        on_files.stopping.set()
        status, report = ask(port, "/readyz")
        assert status == 503
        assert [name for name, check in report["checks"].items() if not check["ok"]] == ["running"]


def test_a_worker_without_its_migrations_is_not_ready(tmp_path: Path) -> None:
    worker = Worker(payment(environment(tmp_path), migrated=False))
    with answering([worker]) as port:
        assert port is not None
        status, report = ask(port, "/readyz")
    assert (status, report["checks"]["migrations"]["ok"]) == (503, False)
    worker.service.engine.dispose()


def test_without_a_port_nothing_answers(tmp_path: Path) -> None:
    worker = Worker(payment(environment(tmp_path, WORKER_PORT="")))
    with answering([worker]) as port:
        assert port is None
    worker.service.engine.dispose()


def test_while_the_broker_is_away_the_worker_is_not_ready_and_the_web_is(
    amqp_url: str, database_url: Callable[[], str]
) -> None:
    with Proxy(amqp_url) as broker:
        environ = {
            "ROSTRUM_MODE": "sandbox",
            "WORKER_PORT": "0",
            "DATABASE_URL": database_url(),
            "AMQP_URL": broker.url,
        }
        worker, web = Worker(payment(environ)), create_web(payment(environ, migrated=False)).test_client()
        worker.start()
        with answering([worker]) as port:
            assert port is not None
            eventually(lambda: ask(port, "/readyz")[0] == 200)

            broker.hold()
            broker.cut()
            # It is told by its connection, which takes a moment to hear of it.
            eventually(lambda: ask(port, "/readyz")[0] == 503)
            status, report = ask(port, "/readyz")

            assert status == 503
            assert [name for name, check in report["checks"].items() if not check["ok"]] == ["bus"]
            assert report["checks"]["bus"]["detail"]
            assert ask(port, "/healthz")[0] == 200
            assert web.get("/readyz").status_code == 200

            broker.release()
            eventually(lambda: ask(port, "/readyz")[0] == 200)
        worker.stop()
        worker.service.engine.dispose()


def test_the_program_answers_on_its_port_and_ends_when_told(tmp_path: Path) -> None:
    port = Port()
    environ = environment(tmp_path, WORKER_PORT=str(port.number))
    payment(environ).engine.dispose()

    def answers() -> bool:
        try:
            return ask(port.number, "/readyz")[0] == 200
        except OSError:
            return False

    program = subprocess.Popen(
        [sys.executable, "-m", "services.payment", "worker"],
        cwd=ROOT,
        env=clean_environment("AMQP_URL") | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(answers, seconds=60)
        assert ask(port.number, "/healthz")[0] == 200
        program.terminate()
        assert program.wait(20) == 0
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
        port.close()
