"""Two views under gunicorn, against bare ones: a booking placed through the API, and a page with a long list."""

import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert

from services.enrollment.app import build
from services.enrollment.domain import Course, Delivery, StaffMember, Workshop, WorkshopState
from services.enrollment.domain.course import STANDARD_COURSES
from services.enrollment.settings import Settings
from shared.config import load_settings
from shared.db.engine import write_connection
from shared.db.migrate import upgrade
from shared.ids import new_id
from tests.benchmarks import http_load
from tests.benchmarks.figures import Figure, paired
from tests.support.postgres import PrivatePostgres
from tests.support.process import Port, ServerFolder, clean_environment

ROOT = Path(__file__).resolve().parents[2]
WORKERS = THREADS = 2
WORKSHOPS = 500
SECONDS = 5.0
# With keep-alive one worker can get all connections; then the other one's time stays near zero.
FAIR_SHARE = 0.25
VOID_RUNS = 5
HEADROOM = 3
_TICKS = os.sysconf("SC_CLK_TCK")
_TABLES = ("booking", "enrollment", "idempotency_key", "outbox", "message_reference")


class Web:
    """One gunicorn with `WORKERS` workers, and what it takes to load it."""

    def __init__(self, folder: ServerFolder, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        port = Port()
        self.port = port.number
        port.close()
        argv = [sys.executable, "-m", *(part.format(port=self.port) for part in command)]
        environ = clean_environment("PG", "PROMETHEUS") | env
        environ |= {"PORT": str(self.port), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder.path)}
        self.pid = folder.run(name, argv, environ, end_signal=signal.SIGTERM)
        folder.wait_until(name, lambda: len(self._workers()) == WORKERS and self._answers(), 120)

    def get(self, path: str) -> str:
        """A page's text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def rate(self, clients: Executor, requests: Sequence[bytes], status: int) -> float:
        """Answers per second in a run in which every worker did its share; other runs are void."""
        for _ in range(VOID_RUNS):
            before = self._processor_seconds()
            found = http_load.rate(clients, self.port, requests, status=status, seconds=SECONDS)
            used = [after - was for was, after in zip(before, self._processor_seconds(), strict=True)]
            if min(used) >= FAIR_SHARE * sum(used):
                return found
            print(f"void: the workers used {used} s of processor time")
        raise RuntimeError(f"in {VOID_RUNS} runs the workers did not share the work")

    def _workers(self) -> list[int]:
        return sorted(map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()))

    def _processor_seconds(self) -> list[float]:
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._workers()]
        return [(int(stat[11]) + int(stat[12])) / _TICKS for stat in stats]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/workshops", timeout=60):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def measure_bookings(server: PrivatePostgres, *, rounds: int = 3) -> Figure:
    """POST /bookings against the same statements through psycopg."""
    names = [server.create_database(), server.create_database()]
    workshops = [_fill(server.url(name)) for name in names]
    with _serving("bookings", server, names) as (ours, bare, clients):
        figure = _figure(
            "POST /bookings (seat hold + outbox, gunicorn, PostgreSQL)",
            lambda: ours.rate(clients, _orders(workshops[0]), 201),
            lambda: bare.rate(clients, _orders(workshops[1]), 201),
            at_least=0.5,
            rounds=rounds,
            headroom=lambda: bare.rate(clients, [_request("GET /ping")], 200),
        )
    written = [_rows_per_booking(server.dsn(name)) for name in names]
    assert written[0] == written[1], f"the bare view does not write what ours writes: {written}"
    return figure


def measure_catalogue(server: PrivatePostgres, *, rounds: int = 3) -> Figure:
    """GET /workshops against the same template, its values in memory."""
    name = server.create_database()
    _fill(server.url(name))
    with _serving("catalogue", server, [name, name]) as (ours, bare, clients):
        # The page tells the minute: it may pass between the two.
        pairs = ((_without_secrets(ours), _without_secrets(bare)) for _ in range(3))
        assert any(one == other for one, other in pairs), "the bare view does not show what ours shows"
        request = _request("GET /workshops")
        return _figure(
            f"catalogue page with {WORKSHOPS} workshops",
            lambda: ours.rate(clients, [request], 200),
            lambda: bare.rate(clients, [request], 200),
            at_least=0.3,
            rounds=rounds,
            headroom=lambda: bare.rate(clients, [_request("GET /ping")], 200),
        )


def _figure(
    name: str,
    ours: Callable[[], float],
    bare: Callable[[], float],
    *,
    at_least: float,
    rounds: int,
    headroom: Callable[[], float],
) -> Figure:
    ours(), bare()
    most = headroom()
    figure = paired(name, ours, bare, unit="requests/s", at_least=at_least, rounds=rounds)
    assert figure.baseline is not None
    assert most >= HEADROOM * figure.baseline, f"the load generator is too slow: {most:.0f} requests/s"
    return figure


@contextmanager
def _serving(
    bare: str, server: PrivatePostgres, names: Sequence[str]
) -> Iterator[tuple[Web, Web, ProcessPoolExecutor]]:
    folder = ServerFolder("bench-web")
    gunicorn = ["gunicorn", "--config", "python:deploy.gunicorn_conf", "--bind", "127.0.0.1:{port}"]
    gunicorn += ["--workers", str(WORKERS), "--threads", str(THREADS), f"tests.benchmarks.bare_web:{bare}()"]
    try:
        with ProcessPoolExecutor(http_load.PROCESSES, mp_context=get_context("spawn")) as clients:
            yield (
                Web(folder, "ours", ["services.enrollment", "web"], _environment(server.url(names[0]))),
                Web(
                    folder,
                    "bare",
                    gunicorn,
                    _environment(server.url(names[1])) | {"BARE_DSN": server.dsn(names[1])},
                ),
                clients,
            )
    finally:
        folder.close()


def _environment(database_url: str) -> dict[str, str]:
    return {
        "ROSTRUM_MODE": "sandbox",
        "DATABASE_URL": database_url,
        "WEB_WORKERS": str(WORKERS),
        "WEB_THREADS": str(THREADS),
    }


def _fill(database_url: str) -> list[str]:
    """Courses, a trainer and the published workshops, over two years; gives their ids."""
    service = build(load_settings(Settings, _environment(database_url)))
    upgrade(service.engine, service.migrations, service.metadata)
    now = datetime.now(UTC)
    trainer, ids = new_id(), [new_id() for _ in range(WORKSHOPS)]
    courses = [
        {**vars(data), "accreditor": "Scrum Alliance", "accredited": True} for data in STANDARD_COURSES
    ]
    codes = [course["code"] for course in courses]
    with write_connection(service.engine) as connection:
        connection.execute(insert(Course), courses)
        connection.execute(insert(StaffMember), [_trainer(trainer, now)])
        connection.execute(
            insert(Workshop), [_workshop(n, ids, codes, trainer, now) for n in range(WORKSHOPS)]
        )
    service.engine.dispose()
    return [str(each) for each in ids]


def _trainer(staff_id: Any, now: datetime) -> dict[str, Any]:
    return {
        "staff_id": staff_id,
        "email": "trainer@example.com",
        "name": "Grace Hopper",
        "password_hash": "-",
        "roles": ("trainer",),
        "teaches": (),
        "created_at": now,
        "changed_at": now,
    }


def _workshop(
    n: int, ids: Sequence[Any], codes: Sequence[str], trainer: Any, now: datetime
) -> dict[str, Any]:
    starts_at = now.replace(microsecond=0) + timedelta(days=2 + n * 1.4)
    return {
        "workshop_id": ids[n],
        "course_code": codes[n % len(codes)],
        "title": f"Workshop number {n}",
        "state": WorkshopState.PUBLISHED,
        "delivery": Delivery.ONLINE if n % 2 else Delivery.IN_PERSON,
        "venue": None if n % 2 else "Hall 3, Example Street 5, Berlin",
        "time_zone": ("Europe/Berlin", "America/New_York", "Asia/Kolkata")[n % 3],
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(days=1, hours=8),
        "capacity": 1_000_000,
        "reserved": 0,
        "price_minor": 100_000 + 100 * n,
        "currency": "EUR",
        "trainer_id": trainer,
        "required_minutes": 840,
        "created_at": now,
        "published_at": now,
    }


def _orders(workshops: Sequence[str]) -> list[bytes]:
    return [
        _request(
            "POST /enrollment/api/bookings",
            json.dumps(
                {
                    "workshop_id": workshop,
                    "payer_name": "Charles Babbage",
                    "payer_email": "charles@example.com",
                    "attendees": [
                        {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}
                    ],
                }
            ),
        )
        for workshop in workshops
    ]


def _request(line: str, body: str = "") -> bytes:
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        key = http_load.KEY.decode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n"
    return f"{head}\r\n{body}".encode()


def _without_secrets(web: Web) -> str:
    return re.sub(r'(nonce|name="csrf_token" value)="[^"]*"', r'\1=""', web.get("/workshops"))


def _rows_per_booking(dsn: str) -> list[float]:
    with psycopg.connect(dsn) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in _TABLES]
    found = [count[0] for count in counts if count is not None]
    return [count / found[0] for count in found]
