"""A browser outruns the bus by a fraction of a second: waiting that long beats showing "one moment"."""

import time
from collections.abc import Callable
from typing import TypeVar

from shared.auth.links import NotHeardYet

T = TypeVar("T")

LONGEST_WAIT = 1.5
"""Seconds a request may wait for news. Only holders of a genuine link can make a thread wait."""

_LOOK_EVERY = 0.04


def heard(read: Callable[[], T], *, at_most: float = LONGEST_WAIT) -> T:
    """What `read` gives as soon as it no longer raises `NotHeardYet`; raises that after `at_most` seconds."""
    deadline = time.monotonic() + at_most
    while True:
        try:
            return read()
        except NotHeardYet:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_LOOK_EVERY)
