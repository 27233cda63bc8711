"""RabbitMQ and PostgreSQL in containers, for a machine that has Docker but not their binaries."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pytest_docker.plugin import get_docker_services

from tests.support.postgres import Postgres
from tests.support.process import Port, ServerFolder, StartFailure
from tests.support.rabbitmq import RabbitMQ

COMPOSE_FILE = Path(__file__).parent.parent / "system" / "docker-compose.services.yml"
START_SECONDS = 120


@cache
def compose_command() -> str | None:
    """How this machine's Compose is called, if a Docker daemon answers; asked once per run."""
    if shutil.which("docker") is None or not _succeeds("docker", "info"):
        return None
    if _succeeds("docker", "compose", "version"):
        return "docker compose"
    return "docker-compose" if shutil.which("docker-compose") else None


def _succeeds(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Container:
    """One service of the compose file, with fixed ports on this side."""

    def __init__(self, service: str, ports: dict[str, Port]) -> None:
        command = compose_command()
        if command is None:
            raise StartFailure("no Docker daemon with Compose answers")
        self.service = service
        self._ports = ports
        # The compose file names all ports; those of the service that is not started are never used.
        names = ("ROSTRUM_TEST_AMQP_PORT", "ROSTRUM_TEST_MANAGEMENT_PORT", "ROSTRUM_TEST_POSTGRES_PORT")
        os.environ.update({name: str(ports[name].number) if name in ports else "0" for name in names})
        project = f"rostrum-test-{service}-{os.getpid()}"
        self._argv = [*command.split(), "-f", str(COMPOSE_FILE), "-p", project]
        self._folder = ServerFolder(f"docker-{service}")
        # What pytest-docker does at the end it cannot do after a kill -9; doing it twice is no harm.
        self._folder.at_end([*self._argv, "down", "-v"])
        self._exit = contextlib.ExitStack()
        self._exit.enter_context(
            get_docker_services(
                command, [str(COMPOSE_FILE)], project, [f"up --detach {service}"], ["down -v"]
            )
        )

    def command(self, *words: str) -> None:
        """Run a Compose command on this service."""
        done = subprocess.run(
            [*self._argv, *words, self.service], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StartFailure(f"docker compose {' '.join(words)} {self.service}: {done.stderr}")

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until the server inside answers."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise StartFailure(f"{self.service} in Docker was not ready after {START_SECONDS} s")
            time.sleep(0.2)

    def close(self) -> None:
        """Remove the container and its data."""
        self._exit.close()
        self._folder.close()
        for port in self._ports.values():
            port.close()


class DockerRabbitMQ(RabbitMQ):
    """RabbitMQ in a container of this test run."""

    can_be_killed = True

    def __init__(self) -> None:
        amqp, management = Port(), Port()
        super().__init__(
            f"amqp://guest:guest@127.0.0.1:{amqp.number}/%2F", f"http://127.0.0.1:{management.number}"
        )
        ports = {"ROSTRUM_TEST_AMQP_PORT": amqp, "ROSTRUM_TEST_MANAGEMENT_PORT": management}
        self._container = Container("rabbitmq", ports)
        self._container.wait_until(lambda: self.accepts() and self.manages())

    def kill(self) -> None:
        """SIGKILL to the container's first process."""
        self._container.command("kill")

    def start(self) -> None:
        """Start the container again; returns when the broker accepts connections."""
        self._container.command("start")
        self._container.wait_until(lambda: self.accepts() and self.manages())

    def close(self) -> None:
        """Remove the container."""
        self._container.close()


class DockerPostgres(Postgres):
    """PostgreSQL in a container of this test run."""

    can_be_killed = True

    def __init__(self) -> None:
        port = Port()
        super().__init__(f"postgresql://rostrum:rostrum@127.0.0.1:{port.number}/postgres")
        self._container = Container("postgres", {"ROSTRUM_TEST_POSTGRES_PORT": port})
        self._container.wait_until(self.accepts)

    def stop_immediate(self) -> None:
        """SIGQUIT to the server: it stops at once without writing anything."""
        self._container.command("kill", "--signal", "SIGQUIT")

    def start(self) -> None:
        """Start the container again; returns when the server answers."""
        self._container.command("start")
        self._container.wait_until(self.accepts)

    def close(self) -> None:
        """Remove the container."""
        self._container.close()
