"""What stands in the broker: declared once, refused when it differs, looked at without rights."""

from collections.abc import Callable

import pytest

from shared.messaging.bus import BusUnavailable
from shared.messaging.rabbitmq_bus import RabbitMQBus, apply_topology
from tests.support.broker import MANIFEST, as_user, manage, message, names, publish, reader, take, vhost
from tests.support.rabbitmq import RabbitMQ


def test_declaring_again_changes_nothing(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    apply_topology(amqp_url, MANIFEST)
    apply_topology(amqp_url, MANIFEST)
    bus = make_bus()
    bus.check()
    depths = bus.depths()
    assert depths is not None
    assert set(depths) == {
        "alpha.inbox", "alpha.crashed", "beta.inbox", "beta.crashed", "rostrum.unrouted",
    }  # fmt: skip


def test_a_queue_with_other_arguments_is_refused_by_name(amqp_url: str, rabbitmq: RabbitMQ) -> None:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    manage(
        rabbitmq,
        "PUT",
        f"/api/queues/{vhost(amqp_url)}/beta.inbox",
        {"durable": True, "arguments": arguments},
    )
    with pytest.raises(BusUnavailable, match=r"other arguments.*beta\.inbox.*topology apply"):
        apply_topology(amqp_url, MANIFEST)


def test_a_user_who_may_not_declare_looks(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    manage(rabbitmq, "PUT", "/api/users/reader", {"password": "reader", "tags": ""})
    rights = {"configure": "^$", "write": ".*", "read": ".*"}
    manage(rabbitmq, "PUT", f"/api/permissions/{vhost(amqp_url)}/reader", rights)
    url = as_user(amqp_url, "reader", "reader")
    try:
        with pytest.raises(BusUnavailable, match=r"topology is incomplete.*topology apply"):
            make_bus(url).check()
        apply_topology(amqp_url, MANIFEST)
        bus = make_bus(url)
        publish(bus, message("m"))
        assert names(take(reader(bus), 1)) == ["m"]
    finally:
        manage(rabbitmq, "DELETE", "/api/users/reader")


def test_a_wrong_password_is_told_and_does_not_end_the_bus(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    publisher = make_bus(as_user(amqp_url, "guest", "wrong")).publisher()
    for _ in range(2):
        with pytest.raises(BusUnavailable, match="ACCESS_REFUSED"):
            publisher.publish([message("m")]).result(10)
