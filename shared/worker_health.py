"""The worker's answers to the platform: is it alive, can it carry messages, what has it done?

A small HTTP server on a thread of its own, on WORKER_PORT: a worker has no other door. Unlike the web it is
ready only with the bus, so that a deployment waits for the broker while the shop stays open.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from shared.ops.metrics import CONTENT_TYPE, Families, exposition
from shared.web.health import Check, readiness, storage_checks
from shared.worker import Worker

log = structlog.get_logger()

_REQUEST_SECONDS = 10


class Stopping(Exception):
    """The worker finishes what it has in hand and takes nothing more."""


@contextmanager
def answering(workers: Sequence[Worker]) -> Iterator[int | None]:
    """Answer for the workers of this process while the block runs; gives the port, None where none is set."""
    settings = workers[0].service.settings
    if settings.worker_port is None:
        yield None
        return
    server = _Server((settings.bind, settings.worker_port), workers)
    port = int(server.server_address[1])
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="health", daemon=True
    )
    thread.start()
    log.info("health_answers", port=port)
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def liveness(workers: Sequence[Worker]) -> tuple[bool, dict[str, Any]]:
    """Whether every loop still runs; names those that do not. Depends on nothing outside the process."""
    stopped = sorted(thread.name for worker in workers for thread in worker.threads if not thread.is_alive())
    return not stopped and all(worker.alive() for worker in workers), {"stopped": stopped}


def worker_checks(worker: Worker) -> Mapping[str, Check]:
    """What one service's worker needs in order to work."""

    def running() -> None:
        if worker.stopping.is_set():
            raise Stopping("the worker finishes what it has in hand")

    return {**storage_checks(worker.service), "bus": worker.bus.check, "running": running}


class WorkerState(Collector):
    """Which workers lead, and which of their loops run."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Look now."""
        families = Families()
        for worker in self._workers:
            name = worker.service.name
            families.add(
                "worker_leading",
                "Whether this worker relays and runs the timers: one per service does.",
                float(worker.relay.leading),
                service=name,
            )
            running = sum(thread.is_alive() for thread in worker.threads)
            for state, count in (("running", running), ("stopped", len(worker.threads) - running)):
                families.add("worker_loops", "Threads with work to repeat.", count, service=name, state=state)
        yield from families


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], workers: Sequence[Worker]) -> None:
        super().__init__(address, _Handler)
        self.workers = workers

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up early harms nobody, and is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "rostrum"
    sys_version = ""
    timeout = _REQUEST_SECONDS

    def do_GET(self) -> None:
        """`/healthz`, `/readyz` and `/metrics`."""
        path = self.path.partition("?")[0]
        workers = self.server.workers
        if path == "/healthz":
            alive, report = liveness(workers)
            self._answer(200 if alive else 503, {"ok": alive, **report})
        elif path == "/readyz":
            checks = {
                f"{worker.service.name} {name}" if len(workers) > 1 else name: check
                for worker in workers
                for name, check in worker_checks(worker).items()
            }
            ready, report = readiness(checks)
            self._answer(200 if ready else 503, {"ready": ready, "checks": report})
        elif path == "/metrics":
            services = [worker.service for worker in workers]
            self._send(200, CONTENT_TYPE, exposition(services, WorkerState(workers)))
        else:
            self._answer(404, {"code": "not_found", "detail": "There are /healthz, /readyz and /metrics."})

    def _answer(self, status: int, report: Mapping[str, Any]) -> None:
        names = ", ".join(worker.service.name for worker in self.server.workers)
        self._send(status, "application/json", json.dumps({"service": names, **report}).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""
