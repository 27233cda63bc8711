"""What may be kept of a stored body, whatever has become of its contract since."""

from shared.messaging.inbox import BUS
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import Subscriptions
from tests.factories.orders import CODEC, an_order, body_of, encode

READER = Reader(codec=CODEC, subscriptions=Subscriptions())


def test_redacting_twice_keeps_what_the_first_time_kept() -> None:
    once = READER.redacted(BUS, encode(an_order()).body)
    assert once is not None
    assert "Zoë" not in once
    assert READER.redacted(BUS, once) == once


def test_a_type_that_is_unknown_by_now_is_redacted_too() -> None:
    body = body_of("order.renamed.v1", {"order_id": "1", "person": {"name": "Zoë"}}).decode()
    kept = READER.redacted(BUS, body)
    assert kept is not None
    assert "order_id" in kept
    assert "Zo" not in kept


def test_of_what_cannot_be_read_nothing_is_kept() -> None:
    assert READER.redacted(BUS, '{"person": {"name": "Zoë"') is None
    assert READER.redacted("stranger", "{}") is None
