"""The committed compose file, up: a project name, ports and a clock of this run's own, gone with it.

Works with `docker compose` and with docker-compose 1.29: whatever Compose itself cannot tell in both, Docker does.
"""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from pytest_docker.plugin import get_docker_services

from tests.support.process import Port, ServerFolder, StartFailure

ROOT = Path(__file__).resolve().parents[2]
FILES = (ROOT / "docker-compose.yml", ROOT / "tests" / "system" / "compose" / "docker-compose.test.yml")
JOBS = (
    "settings",
    "broker-users",
    "topology",
    "enrollment-migrate",
    "payment-migrate",
    "certification-migrate",
)
HEALTHY_SECONDS = 300.0
IN_IMAGE = ("requirements.lock", "services", "shared", "deploy", ".dockerignore")


@dataclass(frozen=True, kw_only=True)
class Container:
    """What Docker says of one container."""

    id: str
    service: str
    status: str
    health: str | None
    exit_code: int
    restarts: int
    started_at: str
    address: str

    @property
    def well(self) -> bool:
        """A job has ended well, everything else says it is healthy."""
        if self.service in JOBS:
            return self.status == "exited" and self.exit_code == 0
        return self.status == "running" and self.health == "healthy"


class ComposeProject:
    """One project with the committed `.env`; with `settings` instead, those and nothing of the sandbox."""

    def __init__(self, command: str, *, settings: Mapping[str, str] | None = None) -> None:
        self._given = settings
        self._stack = ExitStack()
        self.seconds_to_healthy = 0.0
        self._folder = ServerFolder("compose")
        self.clock_folder = self._folder.path / "clock"
        self.clock_folder.mkdir()
        # Our own containers write the clock as a user of their own.
        self._folder.path.chmod(0o755)
        self.clock_folder.chmod(0o777)
        self.ports = {name: Port() for name in ("site", "stripe", "scrum_alliance", "mailbox", "postgres")}
        self.name = f"rostrum-test-{os.getpid()}-{self.port('site')}"
        self._env_file = self._folder.path / "env"
        self._env_file.write_text("".join(f"{key}={value}\n" for key, value in self.environment.items()))
        self._compose = f"{command} --env-file {self._env_file}"
        # After kill -9 of the run, its keeper takes the containers down; doing it twice is no harm.
        self._folder.at_end([*self._argv(), "down", "--volumes", "--timeout", "1"])

    def port(self, name: str) -> int:
        """A published port."""
        return self.ports[name].number

    @property
    def environment(self) -> dict[str, str]:
        """The settings, with this run's own addresses."""
        own = {
            "SITE_PORT": str(self.port("site")),
            "ROSTRUM_IMAGE": image_name(),
            "ROSTRUM_TEST_POSTGRES_PORT": str(self.port("postgres")),
            "ROSTRUM_TEST_CLOCK_FOLDER": str(self.clock_folder),
        }
        if self._given is not None:
            return {**self._given, **own}
        site, stripe, registry = (self.port(name) for name in ("site", "stripe", "scrum_alliance"))
        return {
            **committed_settings(),
            **own,
            "STRIPE_SANDBOX_PORT": str(stripe),
            "SCRUM_ALLIANCE_SANDBOX_PORT": str(registry),
            "MAILBOX_PORT": str(self.port("mailbox")),
            "PUBLIC_URL": f"http://127.0.0.1:{site}",
            "STRIPE_CHECKOUT_ORIGIN": f"http://127.0.0.1:{stripe}",
            "SCRUM_ALLIANCE_SANDBOX_URL": f"http://127.0.0.1:{registry}",
            "MAILBOX_URL": f"http://127.0.0.1:{self.port('mailbox')}",
            "CLOCK_OFFSET_FILE": "/var/lib/rostrum/clock/clock-offset",
        }

    @property
    def shell(self) -> dict[str, str]:
        """What a shell must say to have `make up` bring up this project: there are no files to name."""
        own = {
            name: value for name, value in self.environment.items() if not name.startswith("ROSTRUM_TEST_")
        }
        return {**os.environ, **own, "CLOCK_OFFSET_FILE": "", "COMPOSE_PROJECT_NAME": self.name}

    @property
    def shell_beside(self) -> dict[str, str]:
        """What a shell must say to have `deploy/compose.sh …` speak of this project, as it is up."""
        return {
            **os.environ,
            "ENV_FILE": str(self._env_file),
            "COMPOSE_FILE": ":".join(str(file) for file in FILES),
            "COMPOSE_PROJECT_NAME": self.name,
        }

    def build(self) -> None:
        """Make the image, from Docker's cache where nothing changed."""
        self.compose("build")

    @contextmanager
    def prepared(self) -> Iterator[Self]:
        """The project's name and ports, for somebody else to bring it up; nothing of it stays."""
        try:
            yield self
        finally:
            self.compose("down", "--volumes", "--timeout", "1")
            self.__exit__()

    def __enter__(self) -> Self:
        # The shell's own variables would win over the file.
        for name in self.environment:
            os.environ.pop(name, None)
        try:
            self.build()
            began = time.monotonic()
            services = get_docker_services(
                self._compose, [str(file) for file in FILES], self.name, ["up --detach"], ["down -v -t 1"]
            )
            self._stack.enter_context(services)
            self.wait_until_well()
            self.seconds_to_healthy = time.monotonic() - began
        except BaseException:
            self.keep_logs()
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._folder.close()
        for port in self.ports.values():
            port.close()

    def compose(self, *words: str) -> str:
        """A command of Compose; raises when it fails."""
        return _run([*self._argv(), *words])

    def containers(self, service: str | None = None) -> list[Container]:
        """The containers of a service, or all."""
        label = f"label=com.docker.compose.project={self.name}"
        # Not those of `run`: they come and go by themselves.
        mine = ["--filter", label, "--filter", "label=com.docker.compose.oneoff=False"]
        ids = _run(["docker", "ps", "--all", "--quiet", "--no-trunc", *mine]).split()
        found = [_container(entry) for entry in json.loads(_run(["docker", "inspect", *ids]))] if ids else []
        chosen = [one for one in found if service in (None, one.service)]
        return sorted(chosen, key=lambda one: (one.service, one.id))

    def wait_until_well(self, *services: str, seconds: float = HEALTHY_SECONDS) -> None:
        """Wait until these services, by default all, are healthy, and every job has ended well."""
        deadline = time.monotonic() + seconds
        while True:
            containers = [one for one in self.containers() if not services or one.service in services]
            ill = [one for one in containers if not one.well]
            if containers and not ill:
                return
            if time.monotonic() > deadline:
                told = ", ".join(f"{one.service}: {one.status} {one.health or one.exit_code}" for one in ill)
                raise StartFailure(f"after {seconds:.0f} s not well: {told or 'nothing is there'}")
            time.sleep(0.5)

    def kill(self, service: str) -> None:
        """SIGKILL to every process of a service's first container; Docker starts it again."""
        first = self.containers(service)[0]
        # From inside, because Docker restarts what ended by itself, not what it was told to end. The first process
        # of a container cannot be killed from there; it ends with its child.
        _run(["docker", "exec", first.id, "sh", "-c", "kill -9 -1"], check=False)
        self._wait_for_change(first)

    def restart(self, container: Container) -> None:
        """A graceful stop and a new start; returns when the container says that it is well."""
        _run(["docker", "restart", "--time", "30", container.id])
        self.wait_until_one_is_well(container.id)

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """While the block runs, a service is away."""
        ids = [one.id for one in self.containers(service)]
        _run(["docker", "stop", *ids])
        try:
            yield
        finally:
            _run(["docker", "start", *ids])

    def wait_until_one_is_well(self, container_id: str) -> None:
        """Wait for one container."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not next(one for one in self.containers() if one.id == container_id).well:
            if time.monotonic() > deadline:
                raise StartFailure(f"{container_id[:12]} did not come back")
            time.sleep(0.3)

    def _wait_for_change(self, before: Container) -> None:
        deadline = time.monotonic() + 60
        while True:
            now = next(one for one in self.containers() if one.id == before.id)
            if now.restarts > before.restarts and now.started_at != before.started_at:
                return
            if time.monotonic() > deadline:
                raise StartFailure(f"{before.service} was killed and did not start again")
            time.sleep(0.1)

    def logs(self, container: Container) -> str:
        """What a container wrote."""
        both = subprocess.run(["docker", "logs", container.id], capture_output=True, text=True, check=False)
        return both.stdout + both.stderr

    def keep_logs(self) -> Path:
        """Copy every container's log to `build/compose/<project>/`, for whoever mends what failed."""
        folder = ROOT / "build" / "compose" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for one in self.containers():
            state = f"{one.status} {one.health or ''} exit {one.exit_code}, restarted {one.restarts} times\n"
            (folder / f"{one.service}-{one.id[:8]}.log").write_text(state + self.logs(one))
        return folder

    def _argv(self) -> list[str]:
        files = [word for file in FILES for word in ("-f", str(file))]
        return [*self._compose.split(), *files, "-p", self.name]


def committed_settings(file: str = ".env") -> dict[str, str]:
    """The committed `.env`, or the example beside it."""
    lines = (ROOT / file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@cache
def image_name() -> str:
    """The image of exactly this code: runs of the same code share it, others never meet it."""
    digest = hashlib.sha256()
    for path in sorted(path for name in IN_IMAGE for path in _files(ROOT / name)):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return f"rostrum:test-{digest.hexdigest()[:12]}"


def image_size(name: str) -> int:
    """Bytes of an image, as Docker counts them."""
    return int(_run(["docker", "image", "inspect", "--format", "{{.Size}}", name]))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    networks: dict[str, Any] = entry["NetworkSettings"]["Networks"]
    return Container(
        id=entry["Id"],
        service=entry["Config"]["Labels"]["com.docker.compose.service"],
        status=state["Status"],
        health=state["Health"]["Status"] if "Health" in state else None,
        exit_code=state["ExitCode"],
        restarts=entry["RestartCount"],
        started_at=state["StartedAt"],
        address=next((network["IPAddress"] for network in networks.values()), ""),
    )


def _run(argv: Sequence[str], *, check: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise StartFailure(f"{' '.join(argv)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
