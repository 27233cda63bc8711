"""Which acknowledgements go out, against what a broker would make of them."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.rabbitmq_bus.consumer import _Subscription


class Broker:
    """Keeps open tags as a broker's channel does; refuses a tag that is not open."""

    def __init__(self, tags: int) -> None:
        self.open = set(range(1, tags + 1))
        self.frames = 0

    def basic_ack(self, delivery_tag: int, multiple: bool) -> None:
        assert delivery_tag in self.open, "unknown delivery tag: the broker would close the channel"
        self.frames += 1
        self.open -= {tag for tag in self.open if tag == delivery_tag or (multiple and tag < delivery_tag)}


@given(st.data())
def test_any_order_and_grouping_acknowledges_each_once_and_nothing_else(data: st.DataObject) -> None:
    tags = data.draw(st.permutations(range(1, data.draw(st.integers(1, 30)) + 1)))
    broker = Broker(len(tags))
    subscription = _Subscription(1, cast("Any", broker), on_probation=False)
    still_open = set(tags)
    while tags:
        size = data.draw(st.integers(1, len(tags)))
        group, tags = tags[:size], tags[size:]
        subscription.ack(sorted(group))
        still_open -= set(group)
        assert broker.open == still_open


def test_a_batch_from_the_oldest_on_is_one_frame() -> None:
    broker = Broker(300)
    subscription = _Subscription(1, cast("Any", broker), on_probation=False)
    for start in (1, 101, 201):
        subscription.ack(list(range(start, start + 100)))
    assert (broker.open, broker.frames) == (set(), 3)
