"""The last try of a suspect: in a process of its own, whose end tells who was to blame.

A process that vanished while it worked on a message may have been ended by that message, or from outside: by an
operator, by the kernel short of memory, with its machine. Counting cannot tell the two apart, and a message that
was merely unlucky must not be given up. So after `max_interruptions` it is worked on by a process that
does nothing else, while this one watches. If that one vanishes and this one is still there, it was the message.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Engine

from shared.db.engine import write_connection
from shared.messaging import leases
from shared.messaging.leases import Claimed
from shared.messaging.subscriptions import RetryPolicy

log = structlog.get_logger()

NOT_TRIED = 75
"""The exit code of a process that could not begin, such as while our database is away."""

LEASE_SECONDS = 60.0
"""At least so long a lease: a process has to start."""

_SAME_HAND_SECONDS = 1.0
"""Whoever ends a whole container or unit ends the watcher as well, within this time."""


def try_alone(rebuild: Callable[[], Any], engine: Engine, one: Claimed, policy: RetryPolicy) -> None:
    """Have `one` worked on by a process of its own, which records what comes of it; bury it if that vanishes.

    `rebuild` makes the service anew over there: it is sent as a pickle.
    """
    log.warning("suspect_tried_alone", message_id=one.message_id, event_type=one.type)
    code = _run(rebuild, one)
    with write_connection(engine) as connection:
        if not leases.holds_lease(connection, one):
            # It came to an end over there: handled, failed, or taken by somebody else.
            return
        if code == NOT_TRIED:
            leases.postpone(connection, one, policy.wait(1))
        else:
            leases.give_up(connection, one)
    log.warning("suspect_not_survived", message_id=one.message_id, event_type=one.type, code=code)


def _run(rebuild: Callable[[], Any], one: Claimed) -> int:
    # Everything is found over there where this process found it.
    path = [entry or os.getcwd() for entry in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from shared.messaging.last_try import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        # Not ended by what a terminal sends to all of its processes.
        start_new_session=True,
    )
    # Through a pipe, since settings hold secrets and everybody on the machine can read arguments.
    process.communicate(pickle.dumps((rebuild, one)))
    if process.returncode not in (0, NOT_TRIED):
        time.sleep(_SAME_HAND_SECONDS)
    return process.returncode
