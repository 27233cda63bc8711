"""What a service does with each message: a table, at most one reaction per event type."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from shared.db.transaction import Tx
from shared.messaging.event import Event

if TYPE_CHECKING:
    from shared.messaging.tasks import Work

C = TypeVar("C")

Locks = Callable[[Any], tuple[type[Any], Collection[Any]]]


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A reaction inside one transaction. `locks` names the rows it will change, so that a batch can lock ahead."""

    name: str
    react: Callable[[Any, Tx], None]
    locks: Locks | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """A reaction that talks to the outside world: on a thread, with a lease, transactions of its own."""

    name: str
    perform: "Callable[[Any, Work], None]"


Reaction = Handler | Task


def handle(
    to_command: Callable[[Any], C], handler: Callable[[C, Tx], Any], *, locks: Locks | None = None
) -> Handler:
    """React by running `handler` on the command that `to_command` makes of the event."""

    def react(event: Any, tx: Tx) -> None:
        handler(to_command(event), tx)

    return Handler(name=handler.__name__, react=react, locks=locks)


def run(task: "Callable[[Any, Work], None]") -> Task:
    """React by running `task` on a thread."""
    return Task(name=getattr(task, "__name__", "task"), perform=task)


def on(event: type[Event], reaction: Reaction) -> tuple[str, Reaction]:
    """One row of the table."""
    return event.TYPE, reaction


class Subscriptions(Mapping[str, Reaction]):
    """The table: event type on the wire → reaction."""

    def __init__(self, *rows: tuple[str, Reaction]) -> None:
        self._rows = dict(rows)
        if len(self._rows) != len(rows):
            raise ValueError("an event type has two subscriptions: give it one")

    def __getitem__(self, event_type: str) -> Reaction:
        return self._rows[event_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, kw_only=True)
class InboxSource:
    """Another stream of messages that shares the inbox, such as an outside system's webhooks.

    `decode` turns the stored text into what reactions get; `redact` gives what is kept of it once handled;
    `made_at` reads from what was decoded when the other side made it. Types without a reaction are kept as
    handled.
    """

    name: str
    decode: Callable[[str], Any]
    subscriptions: Mapping[str, Reaction]
    redact: Callable[[str], str]
    made_at: Callable[[Any], datetime] | None = None


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When a message is tried again.

    `unavailable` repeats the last step without end; anything else is dead after the last step.
    """

    steps: tuple[float, ...] = (5, 30, 120, 600, 3600)
    max_interruptions: int = 3

    def wait(self, attempts: int) -> float:
        """Seconds until the next attempt after `attempts` failed ones (at least 1)."""
        return self.steps[min(attempts, len(self.steps)) - 1]

    def exhausted(self, attempts: int) -> bool:
        """Whether a failing message has used up its retries."""
        return attempts > len(self.steps)


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A step that runs regularly, in one worker per service at a time; the network is allowed in it."""

    name: str
    every_seconds: float
    run: "Callable[[TimerContext], None]"


@dataclass(frozen=True, kw_only=True)
class TimerContext:
    """What a timer gets: transactions, the service, business time."""

    service: Any
    transactions: Any
    clock: Any
