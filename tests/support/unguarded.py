"""What a test takes away to prove that it would notice: each function removes one guard of this process."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.certification import tasks
from shared.db.engine import write_connection
from shared.db.transaction import Tx
from shared.messaging import inbox, leases
from shared.messaging.bus import Delivery
from shared.messaging.consumer import DeliveryDesk
from shared.messaging.desk import Desk, Pair
from shared.messaging.handling import handle_batch
from shared.messaging.reading import Message


def resubmit_without_looking() -> None:
    """A repeat submits the name again instead of looking up whether it was accepted."""

    begin = tasks._begin

    def _begin(event: Any, work: Any, quiet_seconds: float, *, looked_up: bool) -> Any:
        return begin(event, work, 0, looked_up=True)

    setattr(tasks, _begin.__name__, _begin)


def mark_before_the_effect() -> None:
    """A stored message is marked handled in a transaction of its own, before what it causes."""

    def _handle_once(self: Any, pairs: Sequence[Pair]) -> None:
        with write_connection(self._engine) as connection:
            leases.finish(connection, [(claimed, message.redacted) for claimed, message in pairs])
        self._checkpoint("marked_too_early")
        handle_batch(self._transactions, [message for _, message in pairs], lambda tx: None)

    setattr(Desk, _handle_once.__name__, _handle_once)


def acknowledge_before_the_effect() -> None:
    """A delivery is acknowledged before it is worked off, as where the broker is told to do it by itself."""

    def step(self: Any, timeout: float = 0.5) -> int:
        deliveries: Sequence[Delivery] = self._consumer.receive(self._batch, timeout)
        if deliveries:
            self._consumer.ack(deliveries)
            # The connection's thread sends it.
            time.sleep(0.3)
            self._checkpoint("acknowledged_too_early")
            self._work_off(deliveries, only_store=False)
        return len(deliveries)

    setattr(DeliveryDesk, step.__name__, step)


def forget_what_was_received() -> None:
    """The bus door handles every delivery, whatever the inbox knows of it, as where there is no inbox."""
    work_off = DeliveryDesk._work_off

    def _work_off(self: Any, deliveries: Sequence[Delivery], *, only_store: bool) -> None:
        work_off(self, [replace(one, redelivered=False) for one in deliveries], only_store=only_store)

    def _handle_once(self: Any, messages: Sequence[Message]) -> None:
        def mark(tx: Tx) -> None:
            rows = [self._row(message, "handled", message.redacted) for message in messages]
            inbox.store(tx.session.connection(), rows)

        handle_batch(self._transactions, messages, mark)

    setattr(DeliveryDesk, _work_off.__name__, _work_off)
    setattr(DeliveryDesk, _handle_once.__name__, _handle_once)


GUARDS: Mapping[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        resubmit_without_looking,
        mark_before_the_effect,
        acknowledge_before_the_effect,
        forget_what_was_received,
    )
}


def remove(names: Iterable[str]) -> None:
    """Take these guards away, in this process and for good."""
    for name in names:
        GUARDS[name]()
