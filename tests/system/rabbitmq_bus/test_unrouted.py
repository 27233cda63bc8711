"""What nobody wanted when it was said comes to its readers later; what nobody wants yet stays; nothing is lost."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import pytest

from shared.messaging.bus import BusUnavailable, Manifest
from shared.messaging.rabbitmq_bus import RabbitMQBus, return_unrouted
from shared.messaging.rabbitmq_bus.topology import UNROUTED, inbox_queue
from tests.support.broker import (
    MANIFEST,
    as_user,
    eventually,
    manage,
    message,
    names,
    publish,
    reader,
    take,
    vhost,
)
from tests.support.rabbitmq import RabbitMQ
from tests.support.stranger import PROPERTIES, properties, say

ROOT = Path(__file__).parents[3]
TYPE = "thing.done.v1"
BEFORE = Manifest(subscriptions={"alpha": frozenset({"other.v1"}), "beta": frozenset({"other.v1"})})
"""As it was when nobody had bound a queue to `thing.done.v1`."""


def waiting(url: str, queue: str) -> int:
    """Messages in a queue, none of them handed out."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        found: int = connection.channel().queue_declare(queue, passive=True).method.message_count
    finally:
        connection.close()
    return found


def drained(url: str, queue: str) -> list[tuple[Any, Any, bytes]]:
    """Method, properties and body of everything in a queue, which is empty afterwards."""
    found: list[tuple[Any, Any, bytes]] = []
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        # Not one by one: to what is fetched that way RabbitMQ adds a header.
        for got in connection.channel().consume(queue, auto_ack=True, inactivity_timeout=1):
            if got[0] is None:
                return found
            found.append(got)
    finally:
        connection.close()
    raise AssertionError("the broker ended the subscription")


def refuses(url: str, queue: str) -> bool:
    """Whether a queue takes no more."""
    try:
        say(url, [(queue, b"filler", {})], exchange="")
    except pika.exceptions.NackError:
        return True
    return False


def test_messages_reach_a_reader_whose_binding_was_missing(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    early = make_bus(manifest=BEFORE)
    publish(
        early,
        *(message(f"m{n}", body=b"%d" % n) for n in range(3)),
        message("x", "nobody.reads.v1"),
        message("y", "nor.this.v1"),
        message("z", "nor.this.v1"),
    )
    assert waiting(amqp_url, UNROUTED) == 6
    found = return_unrouted(amqp_url, MANIFEST)
    assert str(found) == (
        "3 returned to their readers, 3 are still wanted by nobody: nobody.reads.v1, nor.this.v1"
    )
    for service in ("alpha", "beta"):
        got = take(reader(make_bus(service=service)), 3)
        assert [(d.message_id, d.type, d.body) for d in got] == [(f"m{n}", TYPE, b"%d" % n) for n in range(3)]
    left = drained(amqp_url, UNROUTED)
    assert [(method.routing_key, p.message_id) for method, p, _ in left] == [
        ("nobody.reads.v1", "x"),
        ("nor.this.v1", "y"),
        ("nor.this.v1", "z"),
    ]


def test_an_empty_queue_is_said_to_be_empty(amqp_url: str) -> None:
    assert str(return_unrouted(amqp_url, MANIFEST)) == "nothing lies in rostrum.unrouted"


def test_one_of_each_is_told_in_the_singular(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    publish(make_bus(manifest=BEFORE), message("m"), message("x", "nobody.reads.v1"))
    found = return_unrouted(amqp_url, MANIFEST)
    assert str(found) == "1 returned to its reader, 1 is still wanted by nobody: nobody.reads.v1"


def test_it_ends_although_everything_comes_back_to_it(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    """More than are on their way at once, with copies among them; and once more, as handed out before."""
    sent = [message(f"x{n % 400}", "nobody.reads.v1") for n in range(500)]
    publish(make_bus(), *sent)
    for _ in range(2):
        found = return_unrouted(amqp_url, MANIFEST)
        assert (found.returned, len(found.unwanted), found.unread, found.refused) == (0, 500, 0, 0)
        eventually(lambda: waiting(amqp_url, UNROUTED) == 500)
    assert Counter(p.message_id for _, p, _ in drained(amqp_url, UNROUTED)) == Counter(
        one.message_id for one in sent
    )


def test_more_than_it_looks_at_are_counted(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    """Nobody needs the types of thousands of messages; but they are not told to have found readers."""
    sent = [message(f"x{n}", "nobody.reads.v1") for n in range(2500)]
    publish(make_bus(manifest=BEFORE), *sent, message("m"))
    found = return_unrouted(amqp_url, MANIFEST)
    assert (found.returned, len(found.unwanted) + found.unread, found.refused) == (1, 2500, 0)
    assert found.unread > 0
    assert str(found) == (
        "1 returned to its reader, 2500 are still wanted by nobody: nobody.reads.v1, and perhaps others"
    )


@pytest.mark.parametrize("point", ["after_publish_before_confirm", "after_confirm_before_ack"])
def test_killed_at_any_moment_it_loses_nothing(
    amqp_url: str, point: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    ids = {f"m{n}" for n in range(300)}
    publish(make_bus(manifest=BEFORE), *(message(name) for name in ids), message("x", "nobody.reads.v1"))
    argv = [sys.executable, "-m", "tests.support.unrouted_killed", amqp_url, point]
    for times in ("1", "120"):
        run = subprocess.run([*argv, times], cwd=ROOT, capture_output=True, timeout=60, check=False)
        assert run.returncode == -signal.SIGKILL, run.stderr
    found = return_unrouted(amqp_url, MANIFEST)
    assert found.unwanted == ("nobody.reads.v1",) * len(found.unwanted) != ()
    eventually(lambda: waiting(amqp_url, UNROUTED) == len(found.unwanted))
    got = names(take(reader(make_bus()), waiting(amqp_url, inbox_queue("alpha"))))
    assert set(got) == ids
    assert {p.message_id for _, p, _ in drained(amqp_url, UNROUTED)} == {"x"}


def test_properties_come_through_as_they_were_sent(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    make_bus(manifest=BEFORE).check()
    usual = {"delivery_mode": 2, "content_type": "application/cloudevents+json", "headers": {"n": [1, None]}}
    sent: list[dict[str, Any]] = [usual | dict(properties(n)[1]) for n in range(len(PROPERTIES))]
    say(amqp_url, [(TYPE, b"%d" % n, each) for n, each in enumerate(sent)])
    say(amqp_url, [(b"\xff\x1b[2J", b"", usual)])  # type: ignore[list-item]  # a routing key may be any bytes
    found = return_unrouted(amqp_url, MANIFEST)
    assert (found.returned, found.unwanted) == (len(sent), (r"\\xff\x1b[2J",))
    got = {int(body): each for _, each, body in drained(amqp_url, inbox_queue("alpha"))}
    for number, given in enumerate(sent):
        # The count is the broker's, whoever wrote it.
        headers = {name: value for name, value in given["headers"].items() if name != "x-delivery-count"}
        expected = pika.BasicProperties(**given | {"headers": headers, "delivery_mode": 2})
        assert got[number].as_sent == b"".join(expected.encode()), properties(number)[0]


def test_whoever_said_it_another_user_may_return_it(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    """The broker takes a message that names its user from that user alone."""
    make_bus(manifest=BEFORE).check()
    user = f"teller-{uuid4().hex[:8]}"
    manage(rabbitmq, "PUT", f"/api/users/{user}", {"password": user, "tags": ""})
    try:
        rights = {"configure": "", "write": ".*", "read": ""}
        manage(rabbitmq, "PUT", f"/api/permissions/{vhost(amqp_url)}/{user}", rights)
        named = {"user_id": user, "message_id": "m", "delivery_mode": 2}
        say(
            as_user(amqp_url, user, user), [(TYPE, b"{}", named), (TYPE, b"{}", named | {"delivery_mode": 1})]
        )
        assert return_unrouted(amqp_url, MANIFEST).returned == 2
    finally:
        manage(rabbitmq, "DELETE", f"/api/users/{user}")
    got = drained(amqp_url, inbox_queue("alpha"))
    assert [(properties.message_id, properties.user_id) for _, properties, _ in got] == [("m", None)] * 2


def test_it_does_not_tell_a_reader_how_often_it_was_handed_out(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    publish(make_bus(manifest=BEFORE), message("m"))
    nobody = Manifest(subscriptions={"gamma": frozenset({"other.v1"})})
    assert return_unrouted(amqp_url, nobody).unwanted == (TYPE,)
    assert return_unrouted(amqp_url, MANIFEST).returned == 1
    (got,) = take(reader(make_bus()), 1)
    assert (got.redelivered, got.delivery_count) == (False, 0)


def test_what_a_full_queue_refuses_stays(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    """More of it than may be on their way at once, and one that somebody else wants behind a few."""
    sent = [*(message(f"m{n}") for n in range(20)), message("o", "late.v1")]
    sent += [message(f"m{n}") for n in range(20, 300)]
    publish(make_bus(manifest=BEFORE), *sent)
    manifest = Manifest(subscriptions={**MANIFEST.subscriptions, "gamma": frozenset({"late.v1"})})
    policy = f"/api/policies/{vhost(amqp_url)}/short"
    manage(rabbitmq, "PUT", policy, {"pattern": "^alpha.inbox$", "definition": {"max-length": 2}})
    eventually(lambda: refuses(amqp_url, inbox_queue("alpha")))
    found = return_unrouted(amqp_url, manifest)
    assert found.refused > 0
    assert (found.returned + found.refused, found.unwanted) == (301, ())
    assert f"{found.refused} stay there, since a queue is full" in str(found)
    eventually(lambda: waiting(amqp_url, UNROUTED) == found.refused)
    assert names(take(reader(make_bus(manifest=manifest, service="gamma")), 1)) == ["o"]


def test_without_the_net_nothing_is_acknowledged(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    """What no queue takes is confirmed all the same, after it was returned."""
    publish(make_bus(), *(message(f"x{n}", "nobody.reads.v1") for n in range(3)))
    taken = 0

    def take_the_net_away(point: str) -> None:
        nonlocal taken
        taken += 1
        if taken == 1:
            manage(rabbitmq, "DELETE", f"/api/exchanges/{vhost(amqp_url)}/{UNROUTED}")

    with pytest.raises(BusUnavailable, match="no queue for a message"):
        return_unrouted(amqp_url, MANIFEST, checkpoint=take_the_net_away)
    eventually(lambda: waiting(amqp_url, UNROUTED) == 3)


def test_a_broker_that_is_away_is_told_at_once() -> None:
    with pytest.raises(BusUnavailable, match="refused"):
        return_unrouted("amqp://127.0.0.1:1/", MANIFEST)
