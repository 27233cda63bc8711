"""Many calls at the same instant."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 25


def at_once(calls: Sequence[Callable[[], T]], *, threads: int = THREADS) -> list[T]:
    """Run all calls on threads that start together."""
    barrier = threading.Barrier(min(threads, len(calls)))
    waiting = threading.local()

    def run(call: Callable[[], T]) -> T:
        # Each thread waits once, before its first call: after that all are busy.
        if not getattr(waiting, "done", False):
            waiting.done = True
            barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(min(threads, len(calls))) as pool:
        return list(pool.map(run, calls))
