"""What falls due, soonest first, without looking at everything else."""

import heapq
from collections.abc import Callable
from typing import Any

Due = tuple[float, float]


class Agenda:
    """The objects of one kind that have a moment at which something must happen to them.

    An entry is never removed when its object changes: it is recognised as outdated when it comes up, because
    the object's own due moment is then another one. Callers hold the store's lock.
    """

    def __init__(self, due: Callable[[dict[str, Any]], Due | None]) -> None:
        self._due = due
        self._heap: list[tuple[float, float, str]] = []
        self._present: dict[str, Due] = {}

    def note(self, object_id: str, value: dict[str, Any] | None) -> None:
        """Take notice of an object's new state; None means that it is gone."""
        due = self._due(value) if value is not None else None
        if due is None:
            self._present.pop(object_id, None)
        elif self._present.get(object_id) != due:
            self._present[object_id] = due
            heapq.heappush(self._heap, (*due, object_id))

    def pop_due(self, now: float) -> str | None:
        """Take out the next entry that is due. If it stays to be done, its object must be noted again."""
        at = self.next_at()
        if at is None or at > now:
            return None
        object_id = heapq.heappop(self._heap)[2]
        del self._present[object_id]
        return object_id

    def next_at(self) -> float | None:
        """The moment at which the next entry falls due."""
        while self._heap:
            at, order, object_id = self._heap[0]
            if self._present.get(object_id) == (at, order):
                return at
            heapq.heappop(self._heap)
        return None

    def __len__(self) -> int:
        return len(self._present)
