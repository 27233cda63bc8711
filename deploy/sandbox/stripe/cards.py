"""Stripe's test cards: what each number does. Other numbers are declined, and no number is ever stored."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One test card. `code` is why it is declined, if it is."""

    number: str
    brand: str
    effect: str
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    disputed: bool = False

    @property
    def last4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """The number as it is printed on a card."""
        return " ".join(self.number[at : at + 4] for at in range(0, len(self.number), 4))


_DECLINED = "Your card was declined."

SUCCEEDS = Card("4242424242424242", "visa", "Succeeds")
NOT_A_TEST_CARD = Card(
    "", "unknown", "", "card_declined", "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card.",
)  # fmt: skip
TEST_CARDS = {
    card.number: card
    for card in (
        SUCCEEDS,
        Card("5555555555554444", "mastercard", "Succeeds"),
        Card("378282246310005", "amex", "Succeeds"),
        Card("4000000000000002", "visa", "Is declined", "card_declined", "generic_decline", _DECLINED),
        Card(
            "4000000000009995", "visa", "Has insufficient funds",
            "card_declined", "insufficient_funds", "Your card has insufficient funds.",
        ),
        Card("4000000000009987", "visa", "Was lost", "card_declined", "lost_card", _DECLINED),
        Card("4000000000000069", "visa", "Has expired", "expired_card", None, "Your card has expired."),
        Card(
            "4000000000000127", "visa", "Has another security code",
            "incorrect_cvc", None, "Your card's security code is incorrect.",
        ),
        Card(
            "4000000000000119", "visa", "Meets a processing error", "processing_error", None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        Card("4000000000000259", "visa", "Succeeds, then the buyer's bank disputes it", disputed=True),
    )
}  # fmt: skip


def find_card(number: str) -> Card:
    """The card with this number; spaces and hyphens do not matter."""
    return TEST_CARDS.get(number.replace(" ", "").replace("-", ""), NOT_A_TEST_CARD)


def plausible(number: str) -> bool:
    """Whether the digits can be a card number at all (length and Luhn's check digit)."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isdecimal() or not digits.isascii() or not 13 <= len(digits) <= 19:
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
