"""Many calls at the same instant."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run all calls, each on a thread of its own; none begins before all threads are there."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    # A thread that waits for the others takes no second call, so the pool starts one for each.
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
