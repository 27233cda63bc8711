"""Settings: environment variables, typed by marshmallow, all errors reported at once.

Production is the default mode. It refuses what the sandbox fills in: missing secrets, demo secrets,
and outside systems on this machine. Unknown variables are not ours and are ignored.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import marshmallow
from marshmallow import fields as kinds
from marshmallow import validate

from shared.config.values import Address, DatabasePerService, Judged, PathField, SigningKeys, Waits

S = TypeVar("S", bound="KernelSettings")
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library that counts reads this by itself, before any settings are."""
SANDBOX_SECRET = "is a sandbox secret, refused in production."
_LOOPBACK = {"localhost", "::1", "[::1]"}


class SettingsError(Exception):
    """Everything that is wrong with the environment, in one message."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = dict(problems)
        lines = [f"  {name}: {' '.join(texts)}" for name, texts in sorted(problems.items())]
        super().__init__("The settings are wrong:\n" + "\n".join(lines))


def setting(
    variable: str,
    kind: kinds.Field[Any],
    *,
    default: Any = MISSING,
    sandbox_default: Any = MISSING,
    secret: bool = False,
    outside_url: bool = False,
    help: str = "",
) -> Any:
    """Declare one field of a settings dataclass, read from the environment variable `variable`.

    `default` holds in every mode. `sandbox_default` only in the sandbox; in production the variable is
    required and that very value is refused. `outside_url` marks the address of an outside system, which
    must be https and not this machine in production.
    """
    return dataclass_field(
        metadata={
            "variable": variable,
            "kind": kind,
            "default": default,
            "sandbox_default": sandbox_default,
            "secret": secret,
            "outside_url": outside_url,
            "help": help,
        },
        repr=not secret,
    )


@dataclass(frozen=True, kw_only=True)
class KernelSettings:
    """What every service is told by its environment."""

    mode: str = setting(
        "ROSTRUM_MODE",
        kinds.String(validate=validate.OneOf(["production", "sandbox"])),
        default="production",
        help="production refuses demo secrets and sandbox addresses",
    )
    database_url: str = setting(
        "DATABASE_URL",
        Address("postgresql", "postgresql+psycopg", "sqlite"),
        help="postgresql+psycopg://… or sqlite:///…, one per service",
        secret=True,
    )
    amqp_url: str | None = setting(
        "AMQP_URL",
        Address("amqp", "amqps"),
        default=None,
        secret=True,
        help="amqp://…; without it the embedded bus carries",
    )
    amqp_topology: str = setting(
        "AMQP_TOPOLOGY",
        kinds.String(validate=validate.OneOf(["declare", "look"])),
        default="declare",
        help="look: a job declares exchanges and queues, this process only checks that they are there",
    )
    amqp_management_url: str | None = setting(
        "AMQP_MANAGEMENT_URL",
        Address("http", "https"),
        default=None,
        secret=True,
        help="for queue depths on the ops pages",
    )
    embedded_databases: tuple[str, ...] | None = setting(
        "EMBEDDED_DATABASES",
        DatabasePerService(),
        default=None,
        help="service=sqlite:///…, for each service: whose inboxes the embedded bus fills",
    )
    public_url: str = setting(
        "PUBLIC_URL",
        kinds.Url(require_tld=False),
        sandbox_default="http://127.0.0.1:8000",
        help="where browsers reach the site",
        # Over plain http, staff cookies and links would travel in the clear.
        outside_url=True,
    )
    staff_keys: tuple[str, ...] = setting(
        "STAFF_KEYS",
        SigningKeys(),
        sandbox_default="sandbox-staff-key",
        secret=True,
        help="sign staff cookies; newest first, all verify",
    )
    link_keys: tuple[str, ...] = setting(
        "LINK_KEYS",
        SigningKeys(),
        sandbox_default="sandbox-link-key",
        secret=True,
        help="sign the links of people without an account; newest first, all verify",
    )
    clock_offset_file: Path | None = setting(  # noqa: RUF009  # it is a field
        "CLOCK_OFFSET_FILE", PathField(), default=None, help="sandbox only: seconds added to business time"
    )
    bind: str = setting("BIND", kinds.String(), default="127.0.0.1", help="address the service listens on")
    port: int = setting("PORT", kinds.Integer(validate=validate.Range(0, 65535)), default=8000)
    worker_port: int | None = setting(
        "WORKER_PORT",
        kinds.Integer(validate=validate.Range(0, 65535)),
        default=None,
        help="the worker answers healthz and readyz here",
    )
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES",
        kinds.Integer(validate=validate.Range(0, 5)),
        default=0,
        help="how many proxies in front set X-Forwarded-*",
    )
    log_format: str = setting(
        "LOG_FORMAT", kinds.String(validate=validate.OneOf(["json", "text"])), default="json"
    )
    lease_seconds: float = setting(
        "LEASE_SECONDS",
        kinds.Float(validate=validate.Range(1, 3600)),
        default="60",
        help="how long a message in work is left alone after its process vanished",
    )
    task_threads: int = setting("TASK_THREADS", kinds.Integer(validate=validate.Range(1, 64)), default="4")
    retry_seconds: tuple[str, ...] = setting(
        "RETRY_SECONDS", Waits(), default="5,30,120,600,3600", help="waits before each retry"
    )
    web_threads: int = setting("WEB_THREADS", kinds.Integer(validate=validate.Range(1, 64)), default="4")
    web_workers: int = setting("WEB_WORKERS", kinds.Integer(validate=validate.Range(1, 32)), default="1")

    metrics_folder: Path | None = setting(  # noqa: RUF009  # it is a field
        METRICS_FOLDER,
        PathField(),
        default=None,
        help="where several web workers add up what they count; `web` makes one by itself",
    )

    @property
    def sandbox(self) -> bool:
        """Whether stand-ins and seeded accounts are allowed."""
        return self.mode == "sandbox"

    @property
    def database_files(self) -> Mapping[str, str]:
        """Service → database URL, for the embedded bus."""
        pairs = (entry.partition("=") for entry in self.embedded_databases or ())
        return {name: url for name, _, url in pairs}


def load_settings(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read `cls` from `environ`; raises `SettingsError` naming every problem."""
    problems: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    sandbox = environ.get("ROSTRUM_MODE", "production") == "sandbox"
    for field in fields(cls):
        meta = field.metadata
        variable: str = meta["variable"]
        raw = environ.get(variable) or None
        if raw is None and sandbox and meta["sandbox_default"] is not MISSING:
            raw = meta["sandbox_default"]
        if raw is None and meta["default"] is not MISSING:
            raw = meta["default"]
            if raw is None:
                values[field.name] = None
                continue
        if raw is None:
            problems[variable] = [f"is required. {_sentence(meta['help'])}".strip()]
            continue
        try:
            values[field.name] = cast("kinds.Field[Any]", meta["kind"]).deserialize(raw)
        except marshmallow.ValidationError as error:
            problems[variable] = list(cast("list[str]", error.messages))
            continue
        if not sandbox and (complaint := _unfit_for_production(meta, str(raw))):
            problems[variable] = [complaint]
    if not sandbox and values.get("clock_offset_file"):
        problems["CLOCK_OFFSET_FILE"] = [
            "is allowed in the sandbox only: business time is real in production."
        ]
    if problems:
        raise SettingsError(problems)
    return cls(**values)


def _unfit_for_production(meta: Mapping[str, Any], raw: str) -> str | None:
    if meta["sandbox_default"] is not MISSING and raw == meta["sandbox_default"]:
        return "is the sandbox's value, refused in production."
    if meta["secret"] and "sandbox" in raw:
        return SANDBOX_SECRET
    kind = meta["kind"]
    if isinstance(kind, Judged) and (complaint := kind.unfit_for_production(raw)):
        return complaint
    if meta["outside_url"]:
        parts = urlsplit(raw)
        host = parts.hostname or ""
        if host in _LOOPBACK or host.startswith("127.") or "sandbox" in host:
            return "is a sandbox address, refused in production."
        if parts.scheme == "http":
            return "must be https in production."
    return None


def _sentence(help_text: str) -> str:
    # What begins with an address keeps its small letter.
    first = help_text.split(" ", 1)[0]
    begun = help_text if "://" in first else f"{help_text[:1].upper()}{help_text[1:]}"
    return f"{begun}." if help_text else ""
