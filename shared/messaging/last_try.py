"""A process of its own that works on one claimed message, given on standard input, and ends.

See `isolation.py`, which starts it and watches how it ends.
"""

import pickle
import signal
import sys
from typing import Any

import structlog

from shared.messaging.desk import Desk
from shared.messaging.isolation import NOT_TRIED
from shared.messaging.leases import Claimed
from shared.messaging.subscriptions import Task
from shared.messaging.tasks import TaskRunner
from shared.observability.logs import configure_logs
from shared.observability.redaction import describe_error, where

log = structlog.get_logger()


def work_on(service: Any, one: Claimed) -> None:
    """What a worker does with a claimed message, with nothing beside it."""
    settings = service.settings
    reaction = service.reader.reaction(one.consumer, one.type)
    door = TaskRunner if isinstance(reaction, Task) else Desk
    door(
        service.transactions, service.reader, policy=service.policy, lease_seconds=settings.lease_seconds
    ).work_on(one)


def main() -> int:
    """Work on the message; `NOT_TRIED` when something kept it from being worked on at all."""
    # The watcher is told to stop, and lets this one finish.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        rebuild, one = pickle.load(sys.stdin.buffer)
        service = rebuild()
        configure_logs(service.settings.log_format, service.name)
        work_on(service, one)
    except Exception as error:
        log.warning("last_try_failed", error=describe_error(error), place=where(error))
        return NOT_TRIED
    return 0
