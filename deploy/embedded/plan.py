"""Which processes make up an embedded site, on which ports, with which environment."""

import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

from deploy.embedded.supervisor import Program

DEFAULT_PORT = 8000
HOST = "127.0.0.1"


def refuse_production(environ: Mapping[str, str]) -> None:
    """A site of this kind has stand-ins, example data and accounts whose password everybody knows; exits with 2."""
    mode = environ.get("ROSTRUM_MODE") or "sandbox"
    if mode != "sandbox":
        raise click.UsageError(
            f"ROSTRUM_MODE is {mode}, and this is a sandbox whatever its servers: it would put example data and "
            "accounts with a public password into these databases. In production each service runs "
            "`python -m services.<name> migrate`, `web` and `worker`."
        )


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where each part listens."""

    site: int
    stripe: int
    scrum_alliance: int
    mailbox: int
    smtp: int
    workers: Sequence[int]
    """Where workers answer the platform and the monitoring: one, or with a broker one per service."""

    COUNT: ClassVar[int] = 8

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Ports":
        """These ports, in order: the site, the three outside systems and their SMTP, the workers."""
        site, stripe, scrum_alliance, mailbox, smtp, *workers = numbers
        return cls(
            site=site,
            stripe=stripe,
            scrum_alliance=scrum_alliance,
            mailbox=mailbox,
            smtp=smtp,
            workers=tuple(workers),
        )

    @classmethod
    def beside(cls, first: int) -> "Ports":
        """Neighbouring ports."""
        return cls.of(range(first, first + cls.COUNT))

    @classmethod
    def free(cls) -> "Ports":
        """Ports nobody uses now."""
        sockets = [socket.create_server((HOST, 0)) for _ in range(cls.COUNT)]
        numbers = [s.getsockname()[1] for s in sockets]
        for s in sockets:
            s.close()
        return cls.of(numbers)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One site: its folder, ports and where its messages and data live.

    Without `amqp_url` the embedded bus carries; `database_url` may hold `{service}`, else SQLite files in the
    folder. With a broker each service gets a worker process of its own.
    """

    services: Sequence[str]
    folder: Path
    ports: Ports
    database_url: str | None = None
    amqp_url: str | None = None
    amqp_management_url: str | None = None
    extra: Mapping[str, str] | None = None

    @classmethod
    def told(cls, environ: Mapping[str, str], **fixed: Any) -> "Plan":
        """On the servers that an environment names."""
        return cls(
            amqp_url=environ.get("AMQP_URL"),
            amqp_management_url=environ.get("AMQP_MANAGEMENT_URL"),
            database_url=environ.get("DATABASE_URL"),
            **fixed,
        )

    @property
    def site_url(self) -> str:
        return f"http://{HOST}:{self.ports.site}"

    @property
    def stripe_url(self) -> str:
        return f"http://{HOST}:{self.ports.stripe}"

    @property
    def scrum_alliance_url(self) -> str:
        return f"http://{HOST}:{self.ports.scrum_alliance}"

    @property
    def mailbox_url(self) -> str:
        return f"http://{HOST}:{self.ports.mailbox}"

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock-offset"

    def database(self, service: str) -> str:
        """The database URL of one service."""
        if self.database_url:
            return self.database_url.replace("{service}", service)
        return f"sqlite:///{self.folder / service}.db"

    def environment(self, service: str) -> dict[str, str]:
        """The settings of one service."""
        values = {**self.common(), "DATABASE_URL": self.database(service)}
        if self.amqp_url:
            values["AMQP_URL"] = self.amqp_url
            if self.amqp_management_url:
                values["AMQP_MANAGEMENT_URL"] = self.amqp_management_url
        else:
            values["EMBEDDED_DATABASES"] = ",".join(f"{name}={self.database(name)}" for name in self.services)
        return values

    def common(self) -> dict[str, str]:
        """What every process of the site is told."""
        return {
            "ROSTRUM_MODE": "sandbox",
            "PUBLIC_URL": self.site_url,
            "CLOCK_OFFSET_FILE": str(self.clock_file),
            "STRIPE_API_BASE": self.stripe_url,
            "STRIPE_CHECKOUT_ORIGIN": self.stripe_url,
            "STRIPE_WEBHOOK_SECRETS": self._secret("stripe-webhook-secret"),
            "SCRUM_ALLIANCE_URL": self.scrum_alliance_url,
            "SMTP_URL": f"smtp://{HOST}:{self.ports.smtp}",
            "MAILBOX_URL": self.mailbox_url,
            "SCRUM_ALLIANCE_SANDBOX_URL": self.scrum_alliance_url,
            "STAFF_KEYS": self._secret("staff-key"),
            "LINK_KEYS": self._secret("link-key"),
            "LEASE_SECONDS": "10",
            "TASK_THREADS": "2",
            **(self.extra or {}),
        }

    def programs(self) -> list[Program]:
        """The processes to keep running."""
        python = sys.executable
        return [
            Program(
                name="sandboxes", arguments=[python, "-m", "deploy.sandbox"], environment=self._sandboxes()
            ),
            Program(
                name="site",
                arguments=[
                    python,
                    "-m",
                    "gunicorn",
                    "--config",
                    "python:deploy.gunicorn_conf",
                    "--workers",
                    "1",
                    "--threads",
                    "4",
                    "--bind",
                    f"{HOST}:{self.ports.site}",
                    "services.__main__:create_site()",
                ],
                environment=self._for_all(),
            ),
            *self._workers(python),
        ]

    def _workers(self, python: str) -> list[Program]:
        if self.amqp_url is None:
            return [
                Program(
                    name="worker",
                    arguments=[python, "-m", "services", "worker"],
                    environment={**self._for_all(), "WORKER_PORT": str(self.ports.workers[0])},
                )
            ]
        return [
            Program(
                name=f"{name}-worker",
                arguments=[python, "-m", f"services.{name}", "worker"],
                environment={**self.environment(name), "WORKER_PORT": str(port)},
            )
            for name, port in zip(self.services, self.ports.workers, strict=True)
        ]

    def _for_all(self) -> dict[str, str]:
        # One process that holds all three services gets each one's own settings under a prefix.
        values = self.common()
        for name in self.services:
            values |= {
                f"{name.upper()}__{key}": value
                for key, value in self.environment(name).items()
                if values.get(key) != value
            }
        return values

    def _sandboxes(self) -> dict[str, str]:
        return {
            "SANDBOX_BIND": HOST,
            "SANDBOX_STATE_DIR": str(self.folder / "sandboxes"),
            "STRIPE_SANDBOX_PORT": str(self.ports.stripe),
            "SCRUM_ALLIANCE_SANDBOX_PORT": str(self.ports.scrum_alliance),
            "MAILBOX_PORT": str(self.ports.mailbox),
            "SMTP_PORT": str(self.ports.smtp),
            "STRIPE_WEBHOOK_URL": f"{self.site_url}/webhooks/stripe",
            "STRIPE_WEBHOOK_SECRET": self._secret("stripe-webhook-secret"),
            "CLOCK_OFFSET_FILE": str(self.clock_file),
        }

    def _secret(self, name: str) -> str:
        # Random for each folder: links and cookies of one sandbox are worth nothing in another.
        path = self.folder / "secrets" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(f"sandbox_{secrets.token_urlsafe(24)}")
        return path.read_text()
