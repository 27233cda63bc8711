"""What we write ourselves is what pika would have written, byte for byte."""

from types import SimpleNamespace
from typing import Any

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec

from shared.messaging.bus import OutgoingMessage
from shared.messaging.rabbitmq_bus import frames
from shared.messaging.rabbitmq_bus.connection import publish

EXCHANGE = "rostrum.events"

messages = st.lists(
    st.builds(
        OutgoingMessage,
        message_id=st.text(min_size=1, max_size=60),
        type=st.sampled_from(["booking.placed.v1", "payment.confirmed.v1", "größe.v1"]),
        body=st.binary(min_size=1, max_size=2000),
    ),
    min_size=1,
    max_size=5,
)


def by_pika(channel_number: int, message: OutgoingMessage) -> bytes:
    method = spec.Basic.Publish(exchange=EXCHANGE, routing_key=message.type, mandatory=True)
    properties = pika.BasicProperties(
        content_type=frames.CONTENT_TYPE,
        delivery_mode=frames.KEPT_ON_DISK,
        message_id=message.message_id,
        type=message.type,
    )
    return b"".join(
        (
            frame.Method(channel_number, method).marshal(),
            frame.Header(channel_number, len(message.body), properties).marshal(),
            frame.Body(channel_number, message.body).marshal(),
        )
    )


@given(messages, st.integers(1, 2047))
def test_joined_frames_are_those_of_pika(sent: list[OutgoingMessage], channel_number: int) -> None:
    expected = b"".join(by_pika(channel_number, message) for message in sent)
    assert frames.joined(channel_number, EXCHANGE, sent) == expected


def a_channel(*, is_open: bool = True, frame_max: int = 131_072, **connection: Any) -> Any:
    published: list[bytes] = []
    return SimpleNamespace(
        channel_number=1,
        is_open=is_open,
        published=published,
        connection=SimpleNamespace(params=SimpleNamespace(frame_max=frame_max), **connection),
        basic_publish=lambda exchange, key, body, properties, mandatory: published.append(body),
    )


def test_a_batch_is_one_piece() -> None:
    written: list[list[bytes]] = []
    channel = a_channel(_output_marshaled_frames=written.append)
    sent = [OutgoingMessage(message_id=str(n), type="x.v1", body=b"body") for n in range(3)]
    publish(channel, EXCHANGE, sent)
    assert written == [[frames.joined(1, EXCHANGE, sent)]]
    assert channel.published == []


@pytest.mark.parametrize(
    ("body", "channel"),
    [
        (b"body", a_channel()),
        (b"body", a_channel(is_open=False, _output_marshaled_frames=None)),
        (b"", a_channel(_output_marshaled_frames=None)),
        (b"x" * 4089, a_channel(frame_max=4096, _output_marshaled_frames=None)),
    ],
    ids=["another pika", "a closed channel", "an empty body", "a body of two frames"],
)
def test_pika_sends_what_is_not_plain(body: bytes, channel: Any) -> None:
    publish(channel, EXCHANGE, [OutgoingMessage(message_id="1", type="x.v1", body=body)])
    assert channel.published == [body]
