"""A web process that is told to stop answers what it has in hand, and refuses the rest at once."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import Port

ROOT = Path(__file__).resolve().parents[2]
SLOW_SECONDS = 2.0
OURS = "deploy.graceful_worker.GracefulWorker"
GUNICORNS = "gthread"

APP = f"""
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep({SLOW_SECONDS})
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@contextlib.contextmanager
def gunicorn(folder: Path, worker_class: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    (folder / "slow_app.py").write_text(APP)
    port = Port()
    command = [
        sys.executable, "-m", "gunicorn", "--config", "python:deploy.gunicorn_conf", "--worker-class", worker_class,
        "--workers", "1", "--threads", "4", "--bind", f"127.0.0.1:{port.number}", "slow_app:app",
    ]  # fmt: skip
    paths = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **paths}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while ask(port.number, "/") != b"ok":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process, port.number
    finally:
        process.kill()
        process.wait()
        port.close()


def send(port: int, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(f"POST {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
    return connection


def answer(connection: socket.socket) -> bytes:
    """The body, or nothing where the connection was cut off."""
    with connection, contextlib.suppress(ConnectionResetError):
        received = b""
        while part := connection.recv(1000):
            received += part
        return received.partition(b"\r\n\r\n")[2]
    return b""


def ask(port: int, path: str) -> bytes | None:
    """The body; None where nobody listens."""
    try:
        return answer(send(port, path))
    except ConnectionRefusedError:
        return None


def late(port: int, seconds: float) -> list[bytes | None]:
    """What those hear who come while the process stops, until the first one is refused."""
    heard = [ask(port, "/")]
    deadline = time.monotonic() + seconds
    while heard[-1] is not None and time.monotonic() < deadline:
        time.sleep(0.02)
        heard.append(ask(port, "/"))
    return heard


def test_work_in_hand_is_answered_and_latecomers_are_refused(tmp_path: Path) -> None:
    with gunicorn(tmp_path, OURS) as (process, port):
        # One more than there are threads: the last one waits its turn.
        slow = [send(port, "/slow") for _ in range(5)]
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        heard = late(port, 15)
        assert [answer(connection) for connection in slow] == [b"ok"] * 5, "work in hand is finished"
        assert process.wait(20) == 0
    assert set(heard) <= {b"ok", None}, "nobody is let in and then cut off"
    assert heard[-1] is None


def test_gunicorns_own_worker_cuts_latecomers_off(tmp_path: Path) -> None:
    """The negative control: whoever connects while the last answer is being made is heard by nobody."""
    with gunicorn(tmp_path, GUNICORNS) as (process, port):
        slow = send(port, "/slow")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        try:
            latecomer = send(port, "/")
        except ConnectionRefusedError:
            pytest.fail("gunicorn closes its door by now: our own worker class is not needed any more")
        assert answer(slow) == b"ok"
        assert answer(latecomer) == b""


def test_a_worker_whose_master_was_killed_leaves_the_port_to_others(tmp_path: Path) -> None:
    with gunicorn(tmp_path, OURS) as (process, port):
        in_hand = send(port, "/slow")
        time.sleep(0.3)
        process.kill()
        process.wait()
        deadline = time.monotonic() + SLOW_SECONDS * 5
        while ask(port, "/") is not None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answer(in_hand) == b"ok"


def test_negative_control_gunicorns_own_worker_takes_in_whom_it_never_answers(tmp_path: Path) -> None:
    with gunicorn(tmp_path, GUNICORNS) as (process, port):
        in_hand = send(port, "/slow")
        time.sleep(0.3)
        process.kill()
        process.wait()
        # It looks once a second whether its master is there.
        time.sleep(1.2)
        assert ask(port, "/") == b""
        answer(in_hand)
