"""A worker of the conformance suite in a process of its own, to be killed.

Forked off a server that has everything imported already: a start costs milliseconds instead of seconds.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess

from shared.messaging.subscriptions import RetryPolicy
from shared.worker import Worker
from tests.contract.bus_conformance.subject import Place

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def spawn(
    place: Place, name: str, *, die_at: str, steps: Sequence[float], lease_seconds: float, isolates: bool
) -> ForkServerProcess:
    """Start a worker; it kills itself when it first comes by the crash point `die_at`."""
    process = _CONTEXT.Process(
        target=_work, args=(place, name, die_at, tuple(steps), lease_seconds, isolates), daemon=True
    )
    process.start()
    return process


def _work(
    place: Place, name: str, die_at: str, steps: tuple[float, ...], lease_seconds: float, isolates: bool
) -> None:
    # What the worker logs is not part of the test's output.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def checkpoint(point: str) -> None:
        if point == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    policy = RetryPolicy(steps=steps)
    service = place.compose(
        name, policy=policy, lease_seconds=lease_seconds, checkpoint=checkpoint, isolates=isolates
    )
    Worker(service).start()
    threading.Event().wait()
