"""Money: whole minor units and a currency, never a float."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

CURRENCIES: Mapping[str, int] = MappingProxyType(
    {
        "AUD": 2,
        "BRL": 2,
        "CAD": 2,
        "CHF": 2,
        "CZK": 2,
        "DKK": 2,
        "EUR": 2,
        "GBP": 2,
        "HKD": 2,
        "INR": 2,
        "JPY": 0,
        "MXN": 2,
        "NOK": 2,
        "NZD": 2,
        "PLN": 2,
        "SEK": 2,
        "SGD": 2,
        "USD": 2,
        "ZAR": 2,
    }
)
"""The currencies prices may have, with the number of decimals of their minor unit.

Only currencies whose minor unit means the same to ISO 4217, to Unicode's locale data and to the card
processors: the forint or the króna would be charged a hundredfold by whoever trusts the wrong table.
"""

_FALLBACK = Locale("en")


class CurrencyMismatch(ValueError):
    """Two amounts in different currencies cannot be added."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; negative amounts are differences and money going out."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("an amount is a whole number of minor units")
        if self.currency not in CURRENCIES:
            raise ValueError("not a currency that prices may have")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount_minor

    def __str__(self) -> str:
        return format_money(self.amount_minor, self.currency)


@lru_cache(maxsize=4096)
def format_money(amount_minor: int, currency: str, locale: str = "en") -> str:
    """An amount as people of a locale write it; a locale nobody knows is read as English."""
    amount = Decimal(amount_minor).scaleb(-CURRENCIES[currency])
    return format_currency(amount, currency, locale=_locale(locale))


@lru_cache(maxsize=64)
def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        # The tag may come from a browser or an older message.
        return _FALLBACK
