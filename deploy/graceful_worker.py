"""gunicorn's threaded worker, which on SIGTERM lets nobody wait in vain."""

from gunicorn.workers.gthread import ThreadWorker


class GracefulWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """Closes its door before it finishes the work in hand.

    gunicorn's own worker stops accepting but keeps listening until its last answer is out. Whoever connects
    meanwhile is let in by the kernel, heard by nobody, and cut off at the end: a proxy that already sent a
    POST cannot try elsewhere. Here those who wait are taken in, and the next ones are refused at once, so that
    the proxy goes to another container.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """See `ThreadWorker`: called once with False after SIGTERM, before the work in hand is waited for."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            before = -1
            # `accept` says nothing when nobody waits: the number of connections does.
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()
