"""Which batches count as durable, whatever order the broker's confirms come in."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.bus import BusUnavailable, OutgoingMessage
from shared.messaging.rabbitmq_bus.publisher import RabbitMQPublisher
from shared.messaging.rabbitmq_bus.state import State


class Line:
    """A connection that is there and does at once what it is asked; its channel only counts."""

    problem = "gone"

    def start(self) -> None: ...

    def later(self, seconds: float, callback: Callable[[], None]) -> None: ...

    def call(self, callback: Callable[[], None]) -> State:
        callback()
        return State.READY

    def open_channel(self, ready: Callable[[Any], None]) -> None:
        channel = SimpleNamespace(
            add_on_return_callback=lambda callback: None,
            basic_publish=lambda *arguments: None,
            connection=None,
            is_open=True,
            confirm_delivery=lambda on_confirm, callback: callback(None),
        )
        ready(channel)


def a_publisher() -> RabbitMQPublisher:
    publisher = RabbitMQPublisher(lambda user: cast("Any", Line()))
    publisher.opened()
    return publisher


def batch(size: int) -> list[OutgoingMessage]:
    return [OutgoingMessage(message_id=str(n), type="x.v1", body=b"") for n in range(size)]


def confirm(publisher: RabbitMQPublisher, tag: int, *, multiple: bool = False, nack: bool = False) -> None:
    name = "Basic.Nack" if nack else "Basic.Ack"
    method = SimpleNamespace(delivery_tag=tag, multiple=multiple, NAME=name)
    publisher._on_confirm(SimpleNamespace(method=method))


@given(st.data())
def test_a_batch_is_durable_with_its_last_confirm_and_not_before(data: st.DataObject) -> None:
    publisher = a_publisher()
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    futures = [publisher.publish(batch(size)) for size in sizes]
    total = sum(sizes)
    refused = data.draw(st.sets(st.integers(1, total), max_size=2))
    confirmed: set[int] = set()
    for tag in data.draw(st.permutations(range(1, total + 1))):
        if tag in confirmed:
            continue
        # The broker may take all up to a tag together when they have the same answer.
        below = set(range(1, tag + 1)) - confirmed
        together = data.draw(st.booleans()) and not below & refused
        confirm(publisher, tag, multiple=together, nack=tag in refused)
        confirmed |= below if together else {tag}
        first = 1
        for size, future in zip(sizes, futures, strict=True):
            mine = set(range(first, first + size))
            first += size
            bad = bool(mine & refused & confirmed)
            assert future.done() == (bad or mine <= confirmed)
            if future.done():
                assert isinstance(future.exception(), BusUnavailable) == bad


def test_a_lost_connection_fails_what_is_under_way_and_nothing_else() -> None:
    publisher = a_publisher()
    done, half = publisher.publish(batch(2)), publisher.publish(batch(2))
    confirm(publisher, 3, multiple=True)
    publisher.lost("the line is cut")
    assert done.exception() is None
    assert "cut" in str(half.exception())
    publisher.opened()
    again = publisher.publish(batch(1))
    confirm(publisher, 1)
    assert again.exception(1) is None
