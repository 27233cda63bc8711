"""What a Scrum Alliance sandbox is told when it is made."""

from dataclasses import dataclass, field
from pathlib import Path

from shared.clock import Clock, SystemClock


@dataclass(frozen=True, kw_only=True)
class ScrumAllianceConfig:
    """One sandbox. Without `state_file` everything is forgotten when the process ends.

    Without `smtp` no activation letter is sent; `public_url` is where the links in the letters lead.
    """

    api_key: str = "sandbox-scrum-alliance-key"
    public_url: str = "http://127.0.0.1:8002"
    smtp: tuple[str, int] | None = None
    clock: Clock = field(default_factory=SystemClock)
    state_file: Path | None = None
    auto_activate: bool = False
