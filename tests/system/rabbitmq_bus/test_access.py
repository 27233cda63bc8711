"""The broker's users: who declares declares, a service publishes its own events and reads its own queues."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pika
import pytest
from click.testing import CliRunner
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from services.__main__ import ROOTS, main
from shared.contracts.manifest import MANIFEST as WHOLE_MANIFEST
from shared.messaging.bus import BusUnavailable
from shared.messaging.rabbitmq_bus import RabbitMQBus, apply_topology, grant_all, return_unrouted
from shared.messaging.rabbitmq_bus.topology import EVENTS
from tests.support.broker import MANIFEST, as_user, manage, message, names, publish, reader, take
from tests.support.rabbitmq import RabbitMQ

PUBLISHED = {"alpha": ["thing.done.v1"], "beta": ["other.v1"]}
Users = dict[str, str]


@pytest.fixture
def admin(rabbitmq: RabbitMQ) -> str:
    """The management interface as its administrator."""
    assert rabbitmq.management_url is not None
    who = urlsplit(rabbitmq.url)
    parts = urlsplit(rabbitmq.management_url)
    password = f"{who.username or 'guest'}:{who.password or 'guest'}"
    return urlunsplit(parts._replace(netloc=f"{password}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture
def users(amqp_url: str, rabbitmq: RabbitMQ) -> Iterator[Callable[..., Users]]:
    """Addresses of users of this test's own, by role; the users are removed afterwards."""
    made: list[str] = []

    def name(*roles: str) -> Users:
        found = {role: f"{role}-{uuid.uuid4().hex[:8]}" for role in roles}
        made.extend(found.values())
        return {role: as_user(amqp_url, user, f"p-{role}") for role, user in found.items()}

    yield name
    for user in made:
        with contextlib.suppress(OSError):
            manage(rabbitmq, "DELETE", f"/api/users/{user}")


@pytest.fixture
def granted(users: Callable[..., Users], admin: str) -> Users:
    """One who declares, and two services; the topology stands."""
    found = users("topology", "alpha", "beta")
    services = {name: found[name] for name in ("alpha", "beta")}
    grant_all(admin, found["topology"], services, MANIFEST, PUBLISHED)
    apply_topology(found["topology"], MANIFEST)
    return found


@contextlib.contextmanager
def channel_as(url: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        connection.close()


def test_services_work_with_the_least_rights(granted: Users, make_bus: Callable[..., RabbitMQBus]) -> None:
    alpha = make_bus(granted["alpha"], may_declare=False, management_url=None)
    beta = make_bus(granted["beta"], may_declare=False, service="beta", management_url=None)
    publish(alpha, message("a", "thing.done.v1"))
    publish(beta, message("b", "other.v1"))
    assert names(take(reader(alpha), 1)) == ["a"]
    assert sorted(filter(None, names(take(reader(beta), 2)))) == ["a", "b"]


def test_a_service_sees_the_depth_of_its_queue(
    granted: Users, make_bus: Callable[..., RabbitMQBus], rabbitmq: RabbitMQ
) -> None:
    depths = make_bus(granted["alpha"], may_declare=False).depths()
    assert depths is not None
    assert "alpha.inbox" in depths


REFUSED: dict[str, Callable[[BlockingChannel], object]] = {
    "declares a queue": lambda c: c.queue_declare("alpha.more", durable=True),
    "declares its own queue": lambda c: c.queue_declare(
        "alpha.inbox", durable=True, arguments={"x-queue-type": "quorum"}
    ),
    "deletes its own queue": lambda c: c.queue_delete("alpha.inbox"),
    "binds its queue": lambda c: c.queue_bind("alpha.inbox", EVENTS, "other.v1"),
    "reads another's queue": lambda c: c.basic_get("beta.inbox"),
    "reads what nobody took": lambda c: c.basic_get("rostrum.unrouted"),
    "says what another says": lambda c: c.basic_publish(EVENTS, "other.v1", b"{}"),
    "puts into another's queue": lambda c: c.basic_publish("", "beta.inbox", b"{}"),
}


@pytest.mark.parametrize("deed", REFUSED)
def test_a_service_may_not(deed: str, granted: Users) -> None:
    with channel_as(granted["alpha"]) as channel:
        channel.confirm_delivery()
        with pytest.raises(ChannelClosedByBroker) as refused:
            REFUSED[deed](channel)
    assert refused.value.reply_code == 403


def test_who_declares_gives_back_what_nobody_took(
    granted: Users, amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    with channel_as(amqp_url) as channel:
        for service in MANIFEST.subscriptions:
            channel.queue_unbind(f"{service}.inbox", EVENTS, "thing.done.v1")
    publish(make_bus(granted["alpha"], may_declare=False), message("a", "thing.done.v1"))
    found = return_unrouted(granted["topology"], MANIFEST)
    assert (found.returned, found.unwanted) == (1, ())
    assert names(take(reader(make_bus()), 1)) == ["a"]


def test_a_service_gives_back_nothing(granted: Users) -> None:
    with pytest.raises(BusUnavailable, match="access to"):
        return_unrouted(granted["alpha"], MANIFEST)


def test_who_looks_does_not_try_to_declare(
    granted: Users, amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    # As an administrator it could: without the setting the missing queue would be there afterwards.
    with channel_as(amqp_url) as channel:
        channel.queue_delete("beta.inbox")
    with pytest.raises(BusUnavailable, match="topology is incomplete"):
        make_bus(may_declare=False).check()


def test_granting_again_changes_the_password(granted: Users, admin: str) -> None:
    old = urlsplit(granted["alpha"])
    fresh = as_user(granted["alpha"], str(old.username), "another")
    grant_all(admin, granted["topology"], {"alpha": fresh}, MANIFEST, PUBLISHED)
    with channel_as(fresh) as channel:
        channel.queue_declare("alpha.inbox", passive=True)
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(pika.URLParameters(granted["alpha"]))


def test_who_is_no_administrator_is_told(granted: Users, admin: str) -> None:
    parts = urlsplit(admin)
    stranger = urlunsplit(parts._replace(netloc=f"nobody:wrong@{parts.netloc.rpartition('@')[2]}"))
    with pytest.raises(BusUnavailable, match=r"PUT /api/vhosts/.* 401"):
        grant_all(stranger, granted["topology"], {}, MANIFEST, PUBLISHED)


def test_the_commands_make_users_and_topology_of_the_whole_site(
    users: Callable[..., Users], admin: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    found = users("topology", *ROOTS)
    environment = {f"{name.upper()}__AMQP_URL": url for name, url in found.items()}
    run = CliRunner()
    made = run.invoke(main, ["topology", "users"], env={**environment, "AMQP_MANAGEMENT_URL": admin})
    assert made.exit_code == 0, made.output
    applied = run.invoke(main, ["topology", "apply"], env={"AMQP_URL": found["topology"]})
    assert applied.exit_code == 0, applied.output
    for name in ROOTS:
        make_bus(found[name], WHOLE_MANIFEST, service=name, may_declare=False).check()


def test_a_missing_address_is_named(admin: str) -> None:
    made = CliRunner().invoke(main, ["topology", "users"], env={"AMQP_MANAGEMENT_URL": admin})
    assert made.exit_code == 2
    assert "PAYMENT__AMQP_URL" in made.output
