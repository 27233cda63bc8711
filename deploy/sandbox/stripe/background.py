"""The two threads of a sandbox. They sleep until something is due, for ever while nothing can become due."""

import logging
import threading
from collections.abc import Callable

from flask import Flask

from deploy.sandbox.stripe.agenda import Agenda
from deploy.sandbox.stripe.courier import deliver_next
from deploy.sandbox.stripe.sandbox import EXTENSION, Sandbox

# Business time can jump while a thread sleeps: nobody sleeps longer than this while anything is planned.
LONGEST_SLEEP = 0.5

_log = logging.getLogger(__name__)
_THREADS = "stripe_sandbox_threads"


class AgendaThread(threading.Thread):
    """Does one kind of work whenever its agenda says so."""

    def __init__(self, name: str, sandbox: Sandbox, agenda: Agenda, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._sandbox = sandbox
        self._agenda = agenda
        self._work = work
        self._ended = False

    def run(self) -> None:
        """Wait and work until `end` is called."""
        while self._wait():
            try:
                self._work()
            except Exception:
                # A defect in one piece of work must not silence all webhooks that come after it.
                _log.exception("The Stripe sandbox could not do its %s.", self.name)

    def _wait(self) -> bool:
        with self._sandbox.store.changed:
            while not self._ended:
                next_at = self._agenda.next_at()
                left = None if next_at is None else next_at - self._sandbox.now()
                if left is not None and left <= 0:
                    return True
                self._sandbox.store.changed.wait(None if left is None else min(left, LONGEST_SLEEP))
            return False

    def end(self) -> None:
        """Ask the thread to finish the work in hand and stop."""
        with self._sandbox.store.changed:
            self._ended = True
            self._sandbox.store.changed.notify_all()


def start_background(app: Flask) -> None:
    """Start sending webhooks and expiring sessions. Once per process, after any fork."""
    sandbox: Sandbox = app.extensions[EXTENSION]
    if app.extensions.get(_THREADS):
        return
    threads = (
        AgendaThread("deliveries", sandbox, sandbox.store.deliveries, lambda: deliver_next(sandbox)),
        AgendaThread("expiries", sandbox, sandbox.store.expiries, sandbox.expire_due),
    )
    app.extensions[_THREADS] = threads
    for thread in threads:
        thread.start()


def stop(app: Flask) -> None:
    """Stop the threads and close the state file."""
    threads = app.extensions.pop(_THREADS, ())
    for thread in threads:
        thread.end()
    for thread in threads:
        thread.join(timeout=15)
    sandbox: Sandbox = app.extensions[EXTENSION]
    sandbox.store.close()
