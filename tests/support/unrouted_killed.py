"""A process that returns what is unrouted, and ends itself when it comes by a crash point for the n-th time.

Run as `python -m tests.support.unrouted_killed URL POINT N`.
"""

import os
import signal
import sys

from shared.messaging.rabbitmq_bus import return_unrouted
from tests.support.broker import MANIFEST


def main() -> None:
    """Return messages, for as long as this lives."""
    url, point, times = sys.argv[1:]
    left = int(times)

    def checkpoint(name: str) -> None:
        nonlocal left
        left -= name == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return_unrouted(url, MANIFEST, checkpoint=checkpoint)


if __name__ == "__main__":
    main()
