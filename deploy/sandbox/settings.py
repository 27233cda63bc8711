"""What the process of the sandboxes is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from shared.clock import Clock, OffsetClock, SystemClock
from shared.config import SettingsError


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Ports, addresses, keys. Port 0 lets the system choose; a public URL of None is the address bound."""

    bind: str
    stripe_port: int
    stripe_url: str | None
    scrum_alliance_port: int
    scrum_alliance_url: str | None
    mailbox_port: int
    smtp_port: int
    stripe_webhook_url: str | None
    stripe_webhook_secret: str
    stripe_api_key: str
    scrum_alliance_api_key: str
    clock_offset_file: Path | None
    state_dir: Path | None

    @property
    def clock(self) -> Clock:
        """Business time, the same as in the services."""
        return OffsetClock(self.clock_offset_file) if self.clock_offset_file else SystemClock()

    def state_file(self, name: str) -> Path | None:
        """Where one sandbox keeps what must survive its process."""
        return self.state_dir / name if self.state_dir else None


def _port(variable: str, default: int) -> fields.Integer:
    return fields.Integer(data_key=variable, load_default=default, validate=validate.Range(0, 65535))


def _url(variable: str) -> fields.Url:
    return fields.Url(data_key=variable, load_default=None, require_tld=False)


class _Environment(Schema):
    class Meta:
        unknown = EXCLUDE

    bind = fields.String(data_key="SANDBOX_BIND", load_default="127.0.0.1")
    stripe_port = _port("STRIPE_SANDBOX_PORT", 8001)
    stripe_url = _url("STRIPE_SANDBOX_URL")
    scrum_alliance_port = _port("SCRUM_ALLIANCE_SANDBOX_PORT", 8002)
    scrum_alliance_url = _url("SCRUM_ALLIANCE_SANDBOX_URL")
    mailbox_port = _port("MAILBOX_PORT", 8003)
    smtp_port = _port("SMTP_PORT", 8025)
    stripe_webhook_url = _url("STRIPE_WEBHOOK_URL")
    stripe_webhook_secret = fields.String(data_key="STRIPE_WEBHOOK_SECRET", load_default="whsec_sandbox")
    stripe_api_key = fields.String(data_key="STRIPE_API_KEY", load_default="sk_test_sandbox")
    scrum_alliance_api_key = fields.String(
        data_key="SCRUM_ALLIANCE_API_KEY", load_default="sandbox-scrum-alliance-key"
    )
    clock_offset_file = fields.String(data_key="CLOCK_OFFSET_FILE", load_default=None)
    state_dir = fields.String(data_key="SANDBOX_STATE_DIR", load_default=None)


def load_settings(environ: Mapping[str, str]) -> SandboxSettings:
    """Read the environment; raises `SettingsError` naming every problem."""
    try:
        values: dict[str, Any] = _Environment().load(
            {name: value for name, value in environ.items() if value}
        )
    except ValidationError as error:
        raise SettingsError(cast("dict[str, list[str]]", error.messages)) from None
    for name in ("clock_offset_file", "state_dir"):
        values[name] = Path(values[name]) if values[name] else None
    return SandboxSettings(**values)
