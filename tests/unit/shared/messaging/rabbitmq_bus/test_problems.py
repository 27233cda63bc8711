"""Who has to mend a connection that ended before it stood: a person, or time."""

import pytest
from pika import exceptions as amqp

from shared.messaging.rabbitmq_bus.problems import refused_us


@pytest.mark.parametrize(
    ("ended", "person"),
    [
        (amqp.ConnectionClosedByBroker(403, "ACCESS_REFUSED - Login was refused"), True),
        (amqp.ConnectionClosedByBroker(530, "NOT_ALLOWED - access to vhost refused"), True),
        (amqp.ConnectionClosedByBroker(541, "INTERNAL_ERROR - vhost is down"), False),
        (amqp.StreamLostError("Stream connection lost: ConnectionResetError(104, 'reset by peer')"), False),
    ],
)
def test_only_a_broker_that_says_so_has_refused_us(ended: Exception, person: bool) -> None:
    # So pika wraps whatever ended the connection while it was signing in.
    assert refused_us(amqp.ProbableAuthenticationError(repr(ended))) is person
    assert refused_us(amqp.ProbableAccessDeniedError(repr(ended))) is person
