"""One connection to the broker, alive on a thread of its own; the only module that imports pika.

pika is not thread-safe and answers heartbeats only while its loop runs. So the loop has a thread to
itself, never runs a handler, and everything from outside is handed over to it by `call`. Whatever closes
the connection — the broker going down, a missed heartbeat, an error on one channel — ends in the same
place: the user is told, and after a jittered pause a new connection is made.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pika
import structlog
from pika import exceptions as amqp

from shared.messaging.bus import BusUnavailable, Manifest, OutgoingMessage
from shared.messaging.rabbitmq_bus import frames, topology
from shared.messaging.rabbitmq_bus.problems import refused_us, topology_problem, words
from shared.messaging.rabbitmq_bus.state import ConnectionUser, State
from shared.messaging.rabbitmq_bus.topology import Channel

log = structlog.get_logger()

_DEFAULTS = {
    "heartbeat": 30,
    "blocked_connection_timeout": 60,
    "socket_timeout": 10,
    "stack_timeout": 15,
}
_OPENING_SECONDS = 30.0
_CLOSING_SECONDS = 3.0


class _Properties(pika.BasicProperties):  # type: ignore[misc]  # to mypy all of pika is Any
    """What came with a message: its sender's, whatever it is. Where pika cannot read it, the body still can be.

    A moment beyond the year 9999 would end pika's loop, and the broker would hand it out again, for ever.
    """

    def decode(self, encoded: bytes, offset: int = 0) -> "_Properties":
        self.as_sent, self.readable = encoded, True
        try:
            super().decode(encoded, offset)
        except Exception as error:
            self.readable = False
            log.warning("properties_unreadable", error=type(error).__name__)
        return self


pika.spec.props[_Properties.INDEX] = _Properties


class BrokerConnection:
    """Keeps one connection, with the whole topology declared before its user is told that it stands.

    A broker user without the right to declare may look whether everything is there (`may_look`); with
    `may_declare=False` it does not try.
    """

    def __init__(
        self,
        url: str,
        manifest: Manifest,
        user: ConnectionUser,
        *,
        name: str,
        reconnect_min: float,
        reconnect_max: float,
        may_look: bool = True,
        may_declare: bool = True,
    ) -> None:
        self._parameters = _parameters(url, name)
        self._manifest = manifest
        self._may_look = may_look
        self._may_declare = may_declare
        self._user = user
        self._reconnect_min = reconnect_min
        self._reconnect_max = reconnect_max
        self._changed = threading.Condition()
        self._state = State.CONNECTING
        self._problem = "no connection to the broker yet"
        self._blocked = False
        self._hopeless = self._was_ready = self._looking = False
        self._stop = threading.Event()
        self._connection: Any = None
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        # pika tells every lost connection as several errors with tracebacks; this module tells it once.
        logging.getLogger("pika").setLevel(logging.CRITICAL)
        self._thread.start()

    def call(self, callback: Callable[[], None]) -> State:
        """Have `callback` run on the connection's thread, if it is ready; says in which state it was."""
        with self._changed:
            if self._state is State.READY:
                self._connection.ioloop.add_callback_threadsafe(lambda: self._guarded(callback))
            return self._state

    @property
    def problem(self) -> str:
        """Why there is no connection, in words."""
        return self._problem

    def check(self, timeout: float) -> None:
        """Raise `BusUnavailable` unless messages can be carried; waits while a first attempt is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._state is not State.CONNECTING, timeout)
            if self._state is not State.READY:
                raise BusUnavailable(self._problem)
            if self._blocked:
                raise BusUnavailable("the broker takes no messages now: it is short of memory or disk")

    def close(self, timeout: float) -> None:
        """End the connection and its thread; what was handed over before is done first."""
        self._stop.set()
        with self._changed:
            if self._state in (State.CONNECTING, State.READY) and self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(self._close_connection)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    # From here on: only on the connection's thread.

    def open_channel(self, ready: Callable[[Channel], None]) -> None:
        """Open a channel. An error on it ends the whole connection: one way back, always the same."""

        def closed(_channel: object, reason: Exception) -> None:
            if not isinstance(reason, amqp.ChannelClosedByClient):
                refused = getattr(reason, "reply_code", None) == 403
                self.fail(f"the broker closed a channel: {words(reason)}", hopeless=refused)

        channel = self._connection.channel(on_open_callback=lambda ch: self._guarded(lambda: ready(ch)))
        channel.add_on_close_callback(closed)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Have `callback` run after a while, unless the connection is gone by then."""
        self._connection.ioloop.call_later(seconds, lambda: self._guarded(callback))

    def fail(self, problem: str, *, hopeless: bool = False) -> None:
        """Give this connection up and make a new one; slowly when only a person can mend the problem."""
        self._problem = problem
        self._hopeless = hopeless
        self._close_connection()

    def _run(self) -> None:
        pause = self._reconnect_min
        while not self._stop.is_set():
            self._hopeless = self._blocked = False
            was_ready = self._attempt()
            self._set(State.AWAY)
            self._user.lost(self._problem)
            if self._stop.is_set():
                break
            if self._hopeless:
                log.error("broker_needs_a_person", connection=self._name, problem=self._problem)
                pause = self._reconnect_max
            else:
                log.warning("broker_connection_lost", connection=self._name, problem=self._problem)
                pause = self._reconnect_min if was_ready else pause
            self._stop.wait(random.uniform(pause / 2, pause))
            pause = min(pause * 2, self._reconnect_max)
            self._set(State.CONNECTING)
        self._problem = "the bus is closed"
        self._set(State.CLOSED)
        self._user.lost(self._problem)

    def _attempt(self) -> bool:
        """Connect and stay until the connection is gone; says whether it ever stood."""
        self._was_ready = False
        try:
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_closed,
                on_close_callback=self._on_closed,
            )
            with self._changed:
                self._connection = connection
            if self._stop.is_set():
                self._close_connection()
            connection.ioloop.start()
        except Exception as error:
            log.exception("broker_loop_failed", connection=self._name)
            self._problem = words(error)
        finally:
            with self._changed:
                loop = self._connection.ioloop if self._connection is not None else None
                self._connection = None
                if self._state is State.READY:
                    self._state = State.AWAY
            if loop is not None:
                loop.close()
        return self._was_ready

    def _set(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def _guarded(self, callback: Callable[[], None]) -> None:
        """An error of ours must cost this connection, not the thread."""
        try:
            callback()
        except Exception as error:
            log.exception("broker_callback_failed", connection=self._name)
            self.fail(f"an error on the connection's thread: {words(error)}")

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))
        self.later(_OPENING_SECONDS, self._check_opening)
        self._on_topology_channel(self._declare if self._may_declare else self._look)

    def _set_blocked(self, blocked: bool) -> None:
        self._blocked = blocked
        log.warning("broker_blocks" if blocked else "broker_takes_again", connection=self._name)

    def _check_opening(self) -> None:
        if not self._was_ready:
            self.fail(f"the topology was not declared within {_OPENING_SECONDS:.0f} s")

    def _on_topology_channel(self, work: Callable[[Any], None]) -> None:
        channel = self._connection.channel(on_open_callback=lambda ch: self._guarded(lambda: work(ch)))
        channel.add_on_close_callback(self._on_topology_refused)

    def _declare(self, channel: Any) -> None:
        self._looking = not self._may_look
        topology.declare(channel, self._manifest, lambda: self._on_topology(channel))

    def _look(self, channel: Any) -> None:
        self._looking = True
        topology.look(channel, self._manifest, lambda: self._on_topology(channel))

    def _on_topology_refused(self, _channel: object, reason: Exception) -> None:
        if not isinstance(reason, amqp.ChannelClosedByBroker):
            return
        if reason.reply_code == 403 and not self._looking:
            self._on_topology_channel(self._look)
        else:
            # What is missing while we declare everything is not there *yet*: the broker has just started.
            missing = reason.reply_code == 404 and self._looking
            self.fail(topology_problem(reason), hopeless=missing or reason.reply_code in (403, 406))

    def _on_topology(self, channel: Any) -> None:
        channel.close()
        self._was_ready = True
        self._set(State.READY)
        self._guarded(self._user.opened)

    def _on_closed(self, connection: Any, reason: Exception) -> None:
        if not isinstance(reason, amqp.ConnectionClosedByClient | amqp.ConnectionOpenAborted):
            self._problem = f"the broker cannot be reached: {words(reason)}"
            guessed = isinstance(reason, amqp.ProbableAuthenticationError | amqp.ProbableAccessDeniedError)
            self._hopeless = guessed and refused_us(reason)
        connection.ioloop.stop()

    def _close_connection(self) -> None:
        connection = self._connection
        if connection is not None and not (connection.is_closing or connection.is_closed):
            # The broker may never answer the goodbye, a dead network never does.
            connection.ioloop.call_later(_CLOSING_SECONDS, connection.ioloop.stop)
            connection.close()


def publish(channel: Any, exchange: str, messages: Sequence[OutgoingMessage]) -> None:
    """Send events in their order: kept on disk, returned when no queue takes them."""
    output = frames.output_of(channel)
    if output is not None and frames.fit(channel, messages):
        output([frames.joined(channel.channel_number, exchange, messages)])
        return
    for message in messages:
        properties = pika.BasicProperties(
            content_type=frames.CONTENT_TYPE,
            delivery_mode=frames.KEPT_ON_DISK,
            message_id=message.message_id,
            type=message.type,
        )
        channel.basic_publish(exchange, message.type, message.body, properties, True)


def vhost_of(url: str) -> str:
    """The virtual host an AMQP URL names."""
    return str(pika.URLParameters(url).virtual_host)


def _parameters(url: str, name: str) -> Any:
    parameters = pika.URLParameters(url)
    given = parse_qs(urlsplit(url).query)
    for option, value in _DEFAULTS.items():
        if option not in given:
            setattr(parameters, option, value)
    parameters.client_properties = {"connection_name": name}
    return parameters
