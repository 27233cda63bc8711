"""What tests need from outside: found, or missing with a reason, and told at the end of the run.

A missing need skips the tests that ask for it. When the environment variable REQUIRE names it, they fail.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from tests.support.docker import DockerPostgres, DockerRabbitMQ, compose_command
from tests.support.postgres import OLDEST, Postgres, PrivatePostgres, find_postgres_binaries
from tests.support.rabbitmq import PrivateRabbitMQ, RabbitMQ, find_rabbitmq_server

NEEDS = {
    "amqp": "RabbitMQ",
    "postgres": "PostgreSQL",
    "chromium": "Chromium",
    "compose": "Docker Compose",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HINT = "`make test-deps` installs it on Debian"

Server = TypeVar("Server")


@dataclass
class Needs:
    """One test run's needs: which are required, which were met from where, which were not and why."""

    required: frozenset[str] = frozenset()
    used: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Needs":
        """Read REQUIRE; a name that nobody knows would require nothing, so it is refused."""
        required = frozenset(re.split(r"[\s,]+", environ.get("REQUIRE", "").strip())) - {""}
        unknown = sorted(required - set(NEEDS))
        if unknown:
            raise pytest.UsageError(f"REQUIRE names {', '.join(unknown)}; there are {', '.join(NEEDS)}")
        return cls(required)

    def unmet(self, need: str, reason: str) -> NoReturn:
        """Skip or fail the test that asked."""
        self.missing[need] = reason
        text = f"{need}: {reason}"
        if need in self.required:
            pytest.fail(f"REQUIRE names {text}", pytrace=False)
        pytest.skip(text)

    def rabbitmq(self) -> RabbitMQ:
        """A running broker, looked for in the order that the design gives."""
        given = os.environ.get("TEST_AMQP_URL")
        if given:
            broker = RabbitMQ(given, os.environ.get("TEST_AMQP_MANAGEMENT_URL"))
            if not broker.accepts():
                pytest.fail("nothing accepts AMQP at TEST_AMQP_URL", pytrace=False)
            return self._met("amqp", broker, "TEST_AMQP_URL")
        script = find_rabbitmq_server()
        if script is not None:
            private = PrivateRabbitMQ()
            _start(private.start, private.close)
            return self._met("amqp", private, f"a private node from {script}")
        if compose_command() is not None:
            return self._met("amqp", DockerRabbitMQ(), "a container, through pytest-docker")
        return self.unmet("amqp", f"no TEST_AMQP_URL, no rabbitmq-server here, no Docker answers; {HINT}")

    def postgres(self) -> Postgres:
        """A running server, looked for in the order that the design gives."""
        given = os.environ.get("TEST_DATABASE_URL")
        if given:
            server = Postgres(given)
            if not server.accepts():
                pytest.fail("no PostgreSQL answers at TEST_DATABASE_URL", pytrace=False)
            return self._met("postgres", server, "TEST_DATABASE_URL")
        binaries = find_postgres_binaries()
        if binaries is not None:
            private = PrivatePostgres()
            _start(private.start, private.close)
            return self._met("postgres", private, f"a private cluster from {binaries}")
        if compose_command() is not None:
            return self._met("postgres", DockerPostgres(), "a container, through pytest-docker")
        reason = f"no TEST_DATABASE_URL, no PostgreSQL {OLDEST} or newer here, no Docker answers; {HINT}"
        return self.unmet("postgres", reason)

    def chromium(self) -> Path:
        """The browser's executable."""
        given = os.environ.get("TEST_CHROMIUM")
        if given:
            if not os.access(given, os.X_OK):
                pytest.fail("TEST_CHROMIUM names nothing that can be run", pytrace=False)
            return self._met("chromium", Path(given), "TEST_CHROMIUM")
        found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        if found is None:
            self.unmet("chromium", f"no TEST_CHROMIUM, no {BROWSERS[0]} on the path; {HINT}")
        return self._met("chromium", Path(found), found)

    def compose(self) -> str:
        """How Compose is called."""
        command = compose_command()
        if command is None:
            self.unmet("compose", "no Docker daemon with Compose answers")
        return self._met("compose", command, f"`{command}`")

    def _met(self, need: str, server: Server, source: str) -> Server:
        self.used[need] = source
        return server

    def summary(self, skip_reasons: Iterable[str]) -> list[str]:
        """The lines that end a test run."""
        lines = []
        for need, name in NEEDS.items():
            if need in self.used:
                lines.append(f"{name:15} {self.used[need]}")
            elif need in self.missing:
                lines.append(f"{name:15} MISSING: {self.missing[need]}")
            else:
                lines.append(f"{name:15} not asked for by these tests")
        counted = Counter(reason.removeprefix("Skipped: ") for reason in skip_reasons)
        lines += [f"skipped {count:>4}    {reason}" for reason, count in counted.most_common()]
        return lines if counted else [*lines, "skipped    0"]


def _start(start: Callable[[], None], close: Callable[[], None]) -> None:
    try:
        start()
    except BaseException:
        close()
        raise
