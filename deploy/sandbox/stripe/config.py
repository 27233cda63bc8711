"""What a Stripe sandbox is told when it is made."""

from dataclasses import dataclass, field
from pathlib import Path

from shared.clock import Clock, SystemClock

API_VERSION = "2026-10-28.endive"

# Seconds between the attempts of one delivery. Stripe goes on for three days; so does this list, after a
# quick start that lets a restarted web process be found again within seconds.
RETRY_SECONDS = (1, 2, 5, 15, 60, 300, 1800, 7200, 18000, 36000, 43200, 43200, 43200, 43200, 43200)


@dataclass(frozen=True, kw_only=True)
class StripeSandboxConfig:
    """One sandbox. Without `state_file` everything is forgotten when the process ends."""

    api_key: str = "sk_test_sandbox"
    webhook_secret: str = "whsec_sandbox"
    webhook_url: str | None = None
    public_url: str = "http://127.0.0.1:8090"
    clock: Clock = field(default_factory=SystemClock)
    state_file: Path | None = None
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    delivery_timeout: float = 10.0
