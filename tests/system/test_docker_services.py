"""Servers in containers, with a stand-in for the `docker` command: which commands are given, and what stays behind.

The real command is used where a daemon answers and the binaries are missing; here what matters is that it is told to
start, kill and remove the right things, also after `kill -9` of the test run.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.docker import COMPOSE_FILE, DockerRabbitMQ, compose_command
from tests.support.stripe_sandbox import wait_until

ROOT = Path(__file__).parents[2]

# Answers like a broker and like its management API, on the ports that Compose would publish.
SERVER = """
import http.server, os, socketserver, threading
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
class Broker(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(8); self.request.sendall(bytes([1]))
socketserver.ThreadingTCPServer.allow_reuse_address = True
api = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["ROSTRUM_TEST_MANAGEMENT_PORT"])), Api)
threading.Thread(target=api.serve_forever, daemon=True).start()
socketserver.ThreadingTCPServer(("127.0.0.1", int(os.environ["ROSTRUM_TEST_AMQP_PORT"])), Broker).serve_forever()
"""

DOCKER = """#!/bin/sh
echo "$@" >> "$RECORD/commands"
start() { "$PYTHON" "$RECORD/server.py" >/dev/null 2>&1 & echo $! > "$RECORD/pid"; }
end() { [ -e "$RECORD/pid" ] && kill -9 "$(cat "$RECORD/pid")" && rm "$RECORD/pid"; }
case "$1 $2" in
"info "|"compose version") exit 0 ;;
esac
case "$*" in
*" up --detach rabbitmq"|*" start rabbitmq") start ;;
*" kill rabbitmq") end ;;
*" down -v") end; exit 0 ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    (tmp_path / "server.py").write_text(SERVER)
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    for name in ("ROSTRUM_TEST_AMQP_PORT", "ROSTRUM_TEST_MANAGEMENT_PORT", "ROSTRUM_TEST_POSTGRES_PORT"):
        # Compose's variables are put into our environment; the test takes them out again.
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path))
    monkeypatch.setenv("PYTHON", sys.executable)
    compose_command.cache_clear()

    def read() -> list[str]:
        lines = (tmp_path / "commands").read_text().splitlines()
        return [line.split(" -p ", 1)[1].split(" ", 1)[1] for line in lines if " -p " in line]

    yield read
    compose_command.cache_clear()


def test_a_broker_in_a_container_is_killed_and_comes_back_where_it_was(
    commands: Callable[[], list[str]],
) -> None:
    assert compose_command() == "docker compose"
    broker = DockerRabbitMQ()
    try:
        url = broker.url
        assert broker.accepts()
        broker.kill()
        assert not broker.accepts()
        broker.start()
        assert (broker.accepts(), broker.url) == (True, url)
    finally:
        broker.close()
    assert not broker.accepts()
    assert commands()[:3] == ["up --detach rabbitmq", "kill rabbitmq", "start rabbitmq"]
    assert set(commands()[3:]) == {"down -v"}


def test_a_killed_run_leaves_no_container(commands: Callable[[], list[str]]) -> None:
    script = (
        "from tests.support.docker import DockerRabbitMQ; DockerRabbitMQ(); print('up', flush=True); input()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "up\n"
    run.send_signal(signal.SIGKILL)
    run.communicate()
    wait_until(lambda: commands()[-1] == "down -v", 20)
    # The stand-in removes the server right after it noted the command.
    time.sleep(0.2)
    assert not (Path(os.environ["RECORD"]) / "pid").exists()


def test_the_compose_file_asks_for_no_port_that_is_not_given() -> None:
    text = COMPOSE_FILE.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == {
        "ROSTRUM_TEST_AMQP_PORT",
        "ROSTRUM_TEST_MANAGEMENT_PORT",
        "ROSTRUM_TEST_POSTGRES_PORT",
    }
    services = yaml.safe_load(text)["services"]
    assert set(services) == {"rabbitmq", "postgres"}
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])
