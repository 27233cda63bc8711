"""Outbox, relay, bus and inbox: RabbitMQ carries, each service's database remembers."""
