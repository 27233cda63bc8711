"""What Stripe is asked for one checkout, exactly: stored before the call and repeated word for word."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.payment.domain.account import BookingAccount
from services.payment.domain.payable import Payable


def session_parameters(
    account: BookingAccount, payable: Payable, *, attempt: int, expires_at: datetime, public_url: str
) -> Mapping[str, Any]:
    """The parameters of the checkout session. No token of ours is in Stripe's addresses."""
    metadata = {
        "payable_id": str(payable.payable_id),
        "booking_id": str(payable.booking_id),
        "attempt": str(attempt),
    }
    base = public_url.rstrip("/")
    return {
        "mode": "payment",
        "submit_type": "book",
        "locale": "auto",
        "client_reference_id": str(payable.payable_id),
        "customer_email": account.payer_email,
        "expires_at": int(expires_at.timestamp()),
        "line_items": _line_items(account, payable),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": f"{base}/pay/return/{{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{base}/pay/cancelled",
        # Stripe shows no time by itself, and its page cannot be kept open longer.
        "custom_text": {"submit": {"message": _until(expires_at, account.time_zone, len(payable.seats))}},
        # Another currency than the one asked would never equal the payable.
        "adaptive_pricing": {"enabled": False},
    }


def _until(expires_at: datetime, time_zone: str | None, seats: int) -> str:
    zone = time_zone or "UTC"
    local = expires_at.astimezone(ZoneInfo(zone))
    held = "Your seat is held" if seats == 1 else "Your seats are held"
    return f"{held} while you pay, until {local:%d %B %Y, %H:%M} ({zone.replace('_', ' ')})."


def _line_items(account: BookingAccount, payable: Payable) -> list[dict[str, Any]]:
    shares = Counter(seat.amount_minor for seat in payable.seats if seat.amount_minor > 0)
    if sum(share * seats for share, seats in shares.items()) != payable.amount_minor:
        # What the payer is asked is always the payable's amount, whatever the shares say.
        shares = Counter({payable.amount_minor: 1})
    return [
        {
            "quantity": seats,
            "price_data": {
                "currency": payable.currency.lower(),
                "unit_amount": share,
                "product_data": {
                    "name": account.workshop_title,
                    "description": f"Booking {account.reference}",
                },
            },
        }
        for share, seats in sorted(shares.items())
    ]
