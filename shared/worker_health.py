"""The worker's answers to the platform: is it alive, and can it carry messages?

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
        """`/healthz` and `/readyz`."""
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
        else:
            self._answer(404, {"code": "not_found", "detail": "There are /healthz and /readyz."})

    def _answer(self, status: int, report: Mapping[str, Any]) -> None:
        names = ", ".join(worker.service.name for worker in self.server.workers)
        body = json.dumps({"service": names, **report}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""
