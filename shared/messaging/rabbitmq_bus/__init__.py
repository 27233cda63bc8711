"""The bus over RabbitMQ: topology, connection (alone in importing pika), publisher, consumer, users, the unrouted."""

from shared.messaging.rabbitmq_bus.access import grant_all
from shared.messaging.rabbitmq_bus.bus import RabbitMQBus, apply_topology
from shared.messaging.rabbitmq_bus.unrouted import return_unrouted

__all__ = ["RabbitMQBus", "apply_topology", "grant_all", "return_unrouted"]
