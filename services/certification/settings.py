"""What certification is told by its environment."""

from dataclasses import dataclass

from marshmallow import fields, validate

from shared.config import KernelSettings, setting


@dataclass(frozen=True, kw_only=True)
class Settings(KernelSettings):
    """The kernel's settings, and the Scrum Alliance's."""

    scrum_alliance_url: str = setting(
        "SCRUM_ALLIANCE_URL",
        fields.Url(require_tld=False),
        sandbox_default="http://127.0.0.1:8002",
        outside_url=True,
        help="where the registry of members answers",
    )
    scrum_alliance_key: str = setting(
        "SCRUM_ALLIANCE_KEY",
        fields.String(),
        sandbox_default="sandbox-scrum-alliance-key",
        secret=True,
        help="our key for the registry of members",
    )
    # Linux goes on sending a request it was given for up to 15 min 25 s (tcp_retries2 = 15), and what stands
    # before a service seldom keeps one for longer than that. The sandbox takes a name at once or never.
    lost_answer_wait_seconds: float = setting(
        "LOST_ANSWER_WAIT_SECONDS",
        fields.Float(validate=validate.Range(0, 7 * 86_400)),
        default="1200",
        sandbox_default="2",
        help="after a lost answer the registry is only asked about the name for so long, before it is sent again",
    )
    activation_poll_seconds: float = setting(
        "ACTIVATION_POLL_SECONDS",
        fields.Float(validate=validate.Range(0.1, 3600)),
        default="60",
        sandbox_default="1",
        help="how often the registry is asked about names submitted a short while ago",
    )
