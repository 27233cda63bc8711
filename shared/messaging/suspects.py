"""Who is worked on when a process vanishes is suspect, and suspects are worked on one at a time.

A process works on several messages at once, on several threads and for several services. One that kills it
takes the others along, and an innocent one that starts beside the killer again each time would be counted to
death with it. So each process has one turn for all suspects: two of them never run side by side.
"""

import threading
from collections.abc import Sequence

from shared.messaging.leases import Claimed

_turn = threading.Lock()


class Turn:
    """This process's turn for a suspect, if nobody else has it; leaving the block ends it."""

    def __init__(self) -> None:
        self.mine = False

    def __enter__(self) -> "Turn":
        self.mine = _turn.acquire(blocking=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def keep_for(self, claimed: Sequence[Claimed]) -> None:
        """Let others have it at once, unless there is a suspect among these."""
        if not any(one.suspect for one in claimed):
            self._end()

    def _end(self) -> None:
        if self.mine:
            self.mine = False
            _turn.release()
