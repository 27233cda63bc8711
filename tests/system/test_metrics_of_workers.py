"""Several gunicorn workers answer on one port: a scrape that reaches any of them tells what all have counted."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.component.test_metrics import value
from tests.support.process import Port, clean_environment

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 40


def begin(folder: Path, port: int, workers: int) -> "subprocess.Popen[bytes]":
    """Payment's web with so many workers."""
    environ = {
        **clean_environment(),
        "ROSTRUM_MODE": "sandbox",
        "DATABASE_URL": f"sqlite:///{folder / 'payment.db'}",
        "PORT": str(port),
        "WEB_WORKERS": str(workers),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "services.payment"]
    subprocess.run([*command, "migrate"], cwd=ROOT, env=environ, check=True, timeout=60)
    return subprocess.Popen([*command, "web"], cwd=ROOT, env=environ)


def get(port: int, path: str) -> requests.Response:
    """One request on a connection of its own, so that any worker may take it."""
    return requests.get(f"http://127.0.0.1:{port}{path}", headers={"Connection": "close"}, timeout=30)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2])
def test_a_scrape_tells_what_all_workers_counted(tmp_path: Path, workers: int) -> None:
    port = Port()
    process = begin(tmp_path, port.number, workers)
    try:
        for _ in range(300):
            try:
                if get(port.number, "/healthz").ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
        for _ in range(REQUESTS):
            assert get(port.number, "/pay/cancelled").status_code == 200
        counts = [
            value(
                get(port.number, "/metrics").text,
                "rostrum_http_request_seconds_count",
                service="payment",
                route="/pay/cancelled",
                status="200",
            )
            for _ in range(12)
        ]
        assert counts == [REQUESTS] * 12
        assert len(list(tmp_path.glob("rostrum-metrics-*"))) == (1 if workers > 1 else 0)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        port.close()
    assert list(tmp_path.glob("rostrum-metrics-*")) == []
