"""What payment is told by its environment."""

from dataclasses import dataclass

from marshmallow import fields, validate

from shared.config import KernelSettings, setting
from shared.config.values import WordList

_TEST_KEYS = ("sk_test_", "rk_test_")


class StripeKey(fields.String):
    """A secret or restricted key; the sandbox takes any."""

    def unfit_for_production(self, raw: str) -> str | None:
        """Whether it is one of Stripe's test mode, which production would not notice by itself: everything works."""
        if raw.strip().startswith(_TEST_KEYS):
            return "is a key of Stripe's test mode: seats and memberships would be had for test cards."
        return None


@dataclass(frozen=True, kw_only=True)
class Settings(KernelSettings):
    """The kernel's settings, and Stripe's."""

    stripe_api_key: str = setting(
        "STRIPE_API_KEY", StripeKey(), sandbox_default="sk_test_sandbox", secret=True,
        help="Stripe's secret key",
    )  # fmt: skip
    stripe_api_base: str = setting(
        "STRIPE_API_BASE", fields.Url(require_tld=False), default="https://api.stripe.com", outside_url=True,
        help="where Stripe's API answers",
    )  # fmt: skip
    stripe_webhook_secrets: tuple[str, ...] = setting(
        "STRIPE_WEBHOOK_SECRETS", WordList(), sandbox_default="whsec_sandbox", secret=True,
        help="signing secrets of the webhook endpoint; several while one is being replaced",
    )  # fmt: skip
    stripe_checkout_origin: str = setting(
        "STRIPE_CHECKOUT_ORIGIN", fields.Url(require_tld=False), default="https://checkout.stripe.com",
        outside_url=True, help="where Stripe's payment page is; our forms may lead there",
    )  # fmt: skip
    session_minutes: int = setting(
        # Stripe's minimum is 30 minutes after its own arrival, so one more for the way.
        "SESSION_MINUTES", fields.Integer(validate=validate.Range(31, 1439)), default="31",
        help="how long Stripe's payment page stays open",
    )  # fmt: skip
