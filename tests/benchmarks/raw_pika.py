"""Raw baselines on pika alone: publish with a window of 500 confirms, and consume."""

import time
from collections.abc import Sequence
from typing import Any

import pika


def declare(url: str, queue: str) -> None:
    """An empty quorum queue."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_delete(queue)
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    connection.close()


def publish_all(url: str, queue: str, messages: Sequence[tuple[str, bytes]], window: int = 500) -> float:
    """Publish everything with at most `window` unconfirmed; returns messages per second."""
    state = {"sent": 0, "confirmed": 0, "began": 0.0, "ended": 0.0}
    total = len(messages)

    def fill(channel: Any) -> None:
        while state["sent"] < total and state["sent"] - state["confirmed"] < window:
            message_id, body = messages[int(state["sent"])]
            properties = pika.BasicProperties(
                message_id=message_id, delivery_mode=2, content_type="application/cloudevents+json"
            )
            channel.basic_publish("", queue, body, properties)
            state["sent"] += 1

    def on_confirm(frame: Any) -> None:
        state["confirmed"] = frame.method.delivery_tag if frame.method.multiple else state["confirmed"] + 1
        if state["confirmed"] >= total:
            state["ended"] = time.perf_counter()
            connection.close()
        else:
            fill(channel_of[0])

    channel_of: list[Any] = []

    def on_channel(channel: Any) -> None:
        channel_of.append(channel)
        channel.confirm_delivery(on_confirm)
        state["began"] = time.perf_counter()
        fill(channel)

    def on_open(opened: Any) -> None:
        opened.channel(on_open_callback=on_channel)

    connection = pika.SelectConnection(
        pika.URLParameters(url),
        on_open_callback=on_open,
        on_close_callback=lambda c, _e: c.ioloop.stop(),
        on_open_error_callback=lambda c, _e: c.ioloop.stop(),
    )
    connection.ioloop.start()
    return total / (state["ended"] - state["began"])


def _on_channel(url: str, act: Any) -> Any:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        return act(connection.channel())
    finally:
        connection.close()


def purge(url: str, queue: str) -> None:
    """Empty a queue that exists."""
    _on_channel(url, lambda channel: channel.queue_purge(queue))


def depth(url: str, queue: str) -> int:
    """Messages ready in a queue; waits until the broker's count has settled."""
    counts = [-1]
    for _ in range(50):
        counts.append(_on_channel(url, lambda c: c.queue_declare(queue, passive=True)).method.message_count)
        if counts[-1] == counts[-2]:
            break
        time.sleep(0.1)
    return int(counts[-1])


def wait_for(url: str, queue: str) -> None:
    """Return when a queue exists: somebody else declares it."""
    for _ in range(200):
        try:
            _on_channel(url, lambda c: c.queue_declare(queue, passive=True))
            return
        except pika.exceptions.ChannelClosedByBroker:
            time.sleep(0.05)
    raise TimeoutError(f"nobody declared {queue}")
