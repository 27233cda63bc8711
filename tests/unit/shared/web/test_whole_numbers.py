"""Integers in JSON bodies."""

import json

import pytest
from marshmallow import Schema, ValidationError

from shared.web.json_bodies import WholeNumber


class Order(Schema):
    """One field."""

    amount = WholeNumber()


@pytest.mark.parametrize(("sent", "read"), [("5", 5), ("5.0", 5), ("1e3", 1000), ("-0.0", 0)])
def test_what_json_calls_an_integer_is_one(sent: str, read: int) -> None:
    amount = Order().load({"amount": json.loads(sent)})["amount"]
    assert (amount, type(amount)) == (read, int)


@pytest.mark.parametrize("sent", ["5.5", '"5"', "true", "1e400", "NaN"])
def test_what_is_none_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        Order().load({"amount": json.loads(sent)})
