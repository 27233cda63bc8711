"""gunicorn's threaded worker, which on SIGTERM lets nobody wait in vain."""

import os

from gunicorn.workers.gthread import ThreadWorker


class GracefulWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """Closes its door before it finishes the work in hand.

    gunicorn's own worker stops accepting but keeps listening until its last answer is out. Whoever connects
    meanwhile is let in by the kernel, heard by nobody, and cut off at the end: a proxy that already sent a
    POST cannot try elsewhere. Here those who wait are taken in, and the next ones are refused at once, so that
    the proxy goes to another container. The same when the master was killed: the kernel would go on to divide
    newcomers between this worker, which is about to end, and the master's successor on the same port.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """See `ThreadWorker`: called with False before the work in hand is waited for, and when it is too much."""
        super().set_accept_enabled(enabled)
        if enabled or (self.alive and self.ppid == os.getppid()):
            return
        for listener in self.sockets:
            before = -1
            # `accept` says nothing when nobody waits: the number of connections does.
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()
