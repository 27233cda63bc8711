"""Money is exact, and shown as its readers write it."""

from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from shared.money import CURRENCIES, CurrencyMismatch, Money, format_money
from tests.factories.messages import relaxed

currencies = st.sampled_from(sorted(CURRENCIES))
amounts = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (89000, "EUR", "en", "€890.00"),
        (89000, "EUR", "de", "890,00\N{NO-BREAK SPACE}€"),
        (89000, "EUR", "de-AT", "€\N{NO-BREAK SPACE}890,00"),
        (123456, "USD", "en", "$1,234.56"),
        (-5, "USD", "en", "-$0.05"),
        (0, "CHF", "en", "CHF0.00"),
        (1234, "JPY", "en", "¥1,234"),
        (89000, "EUR", "tlh", "€890.00"),
        (89000, "EUR", "<script>", "€890.00"),
        (89000, "EUR", "", "€890.00"),
    ],
)
def test_amounts_are_shown_in_the_locale(amount: int, currency: str, locale: str, shown: str) -> None:
    assert format_money(amount, currency, locale) == shown


@relaxed
@given(amounts, currencies)
def test_no_digit_is_lost(amount: int, currency: str) -> None:
    digits = "".join(char for char in format_money(amount, currency, "en") if char.isdigit() or char == ".")
    assert Decimal(digits).scaleb(CURRENCIES[currency]) == abs(amount)


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_the_minor_units_are_those_of_the_locale_data(currency: str) -> None:
    assert CURRENCIES[currency] == get_currency_precision(currency)


@relaxed
@given(amounts, amounts, currencies)
def test_sums_and_differences_undo_each_other(one: int, other: int, currency: str) -> None:
    left, right = Money(one, currency), Money(other, currency)
    assert left + right - right == left
    assert left - right == -(right - left)


def test_different_currencies_do_not_add_up() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize("amount", [1.0, True, "1", Decimal(1), None])
def test_an_amount_is_a_whole_number(amount: Any) -> None:
    with pytest.raises(TypeError):
        Money(amount, "EUR")


@pytest.mark.parametrize("currency", ["HUF", "ISK", "eur", "", "ZZZ"])
def test_a_currency_is_one_of_the_list(currency: str) -> None:
    with pytest.raises(ValueError, match="not a currency"):
        Money(1, currency)
