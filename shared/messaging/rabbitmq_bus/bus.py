"""`RabbitMQBus`: the bus between services that run as separate processes."""

from collections.abc import Mapping

from shared.messaging.bus import Manifest
from shared.messaging.rabbitmq_bus import management, topology
from shared.messaging.rabbitmq_bus.connection import BrokerConnection, vhost_of
from shared.messaging.rabbitmq_bus.consumer import RabbitMQConsumer
from shared.messaging.rabbitmq_bus.publisher import RabbitMQPublisher
from shared.messaging.rabbitmq_bus.state import ConnectionUser

_CHECK_SECONDS = 5.0


class RabbitMQBus:
    """A `Bus` over one RabbitMQ (3.10 or later).

    Nothing is connected before `publisher()` or `consumer()` is called: web processes may hold a bus
    without ever opening a connection. Options of the URL (`?heartbeat=5`) override the defaults. Where the
    topology is declared by a job of its own, `may_declare=False` has this bus only look whether it is there.
    """

    def __init__(
        self,
        url: str,
        manifest: Manifest,
        *,
        service: str,
        management_url: str | None = None,
        may_declare: bool = True,
        prefetch: int = 300,
        reconnect_min: float = 0.5,
        reconnect_max: float = 30.0,
    ) -> None:
        self._url = url
        self._manifest = manifest
        self._service = service
        self._management_url = management_url
        self._may_declare = may_declare
        self._prefetch = prefetch
        self._reconnect_min = reconnect_min
        self._reconnect_max = reconnect_max
        self._open: list[RabbitMQPublisher | RabbitMQConsumer] = []

    def publisher(self) -> RabbitMQPublisher:
        """See `Bus.publisher`: a new connection, declared whole before the first message goes out."""
        publisher = RabbitMQPublisher(lambda user: self._connection(user, "relay"))
        self._open.append(publisher)
        return publisher

    def consumer(self) -> RabbitMQConsumer | None:
        """See `Bus.consumer`: a new connection that reads this service's queues; None where it has none."""
        if self._service not in self._manifest.subscriptions:
            return None
        consumer = RabbitMQConsumer(
            lambda user: self._connection(user, "consumer"),
            service=self._service,
            prefetch=self._prefetch,
        )
        self._open.append(consumer)
        return consumer

    def check(self) -> None:
        """See `Bus.check`: looks at the open connections, or makes one for the purpose."""
        if self._open:
            for user in self._open:
                user.connection.check(_CHECK_SECONDS)
            return
        probe = self._connection(_Nobody(), "check")
        probe.start()
        try:
            probe.check(_CHECK_SECONDS)
        finally:
            probe.close(1.0)

    def depths(self) -> Mapping[str, int] | None:
        """See `Bus.depths`."""
        if self._management_url is None:
            return None
        queues = frozenset(topology.queues(self._manifest))
        return management.queue_depths(self._management_url, self._url, vhost_of(self._url), queues)

    def close(self) -> None:
        """Close what was handed out; an open publisher first waits for its confirms."""
        while self._open:
            self._open.pop().close()

    def _connection(self, user: ConnectionUser, role: str) -> BrokerConnection:
        return BrokerConnection(
            self._url,
            self._manifest,
            user,
            name=f"{self._service} {role}",
            reconnect_min=self._reconnect_min,
            reconnect_max=self._reconnect_max,
            may_declare=self._may_declare,
        )


class _Nobody:
    """Uses a connection only to see whether it can be made."""

    def opened(self) -> None: ...

    def lost(self, problem: str) -> None: ...


def apply_topology(url: str, manifest: Manifest, *, timeout: float = 30.0) -> None:
    """Declare everything of the manifest; raises `BusUnavailable` with what is wrong. Safe to repeat."""
    connection = BrokerConnection(
        url, manifest, _Nobody(), name="topology apply", reconnect_min=timeout, reconnect_max=timeout,
        may_look=False,
    )  # fmt: skip
    connection.start()
    try:
        connection.check(timeout)
    finally:
        connection.close(5.0)
