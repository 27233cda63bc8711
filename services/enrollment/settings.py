"""What enrollment's environment says."""

from dataclasses import dataclass
from datetime import timedelta

from marshmallow import fields, validate

from services.enrollment.domain.booking import HoldPolicy
from services.enrollment.gateways.mail import check_sender, check_smtp_url
from shared.config import KernelSettings, setting


@dataclass(frozen=True, kw_only=True)
class Settings(KernelSettings):
    """The kernel's settings and enrollment's own."""

    hold_minutes: int = setting(
        "HOLD_MINUTES",
        fields.Integer(validate=validate.Range(1, 7 * 24 * 60)),
        default="30",
        help="how long the payment page of a new booking may be opened",
    )
    grace_minutes: int = setting(
        "GRACE_MINUTES",
        fields.Integer(validate=validate.Range(1, 24 * 60)),
        default="5",
        help="how long seats wait for the news of a payment made at the last moment",
    )
    extension_minutes: int = setting(
        "EXTENSION_MINUTES",
        fields.Integer(validate=validate.Range(1, 24 * 60)),
        default="30",
        help="how much longer, from the moment of asking, a payer may take before opening the payment page",
    )
    most_extensions: int = setting(
        "MOST_EXTENSIONS",
        fields.Integer(validate=validate.Range(0, 100)),
        # Ten is what WCAG 2.2, success criterion 2.2.1, asks for where a time limit can be extended.
        default="10",
        help="how often a payer may ask for more time; 0 turns it off",
    )
    smtp_url: str = setting(
        "SMTP_URL",
        fields.String(validate=check_smtp_url),
        sandbox_default="smtp://127.0.0.1:8025",
        secret=True,
        help="smtp://host, smtp+starttls://user:password@host or smtps://user:password@host",
    )
    mail_from: str = setting(
        "MAIL_FROM",
        fields.String(validate=check_sender),
        sandbox_default="Rostrum workshops <workshops@rostrum.example>",
        help="the sender of our letters, such as Workshops <workshops@example.com>",
    )

    checkout_origin: str = setting(
        "STRIPE_CHECKOUT_ORIGIN",
        fields.Url(require_tld=False),
        default="https://checkout.stripe.com",
        outside_url=True,
        help="where the payment page is: the form that books leads there, and browsers must be told",
    )

    mailbox_url: str | None = setting(
        "MAILBOX_URL",
        fields.Url(require_tld=False),
        default=None,
        help="sandbox only: where browsers find the mailbox; a door on the front page",
    )
    scrum_alliance_sandbox_url: str | None = setting(
        "SCRUM_ALLIANCE_SANDBOX_URL",
        fields.Url(require_tld=False),
        default=None,
        help="sandbox only: where browsers find the stand-in of the Scrum Alliance; a door on the front page",
    )

    @property
    def hold_policy(self) -> HoldPolicy:
        """How long seats wait for money."""
        return HoldPolicy(
            hold=timedelta(minutes=self.hold_minutes),
            grace=timedelta(minutes=self.grace_minutes),
            extension=timedelta(minutes=self.extension_minutes),
            most_extensions=self.most_extensions,
        )
