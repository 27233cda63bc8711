"""Conversations with outside systems end in time, however slowly the other side speaks.

A timeout of the socket counts from byte to byte: a server that sends one every few seconds could hold a thread for
hours. `within` bounds the whole of it, by closing the connection under whoever waits.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """The end of one conversation. `passed` tells whether it came before the answer."""

    def __init__(self) -> None:
        self.passed = False
        self._guard = threading.Lock()
        self._watched: list[socket.socket] = []

    def watch(self, connection: socket.socket) -> None:
        """Close this connection when the time is over."""
        # A copy of the descriptor stays good when TLS takes the socket over.
        copy = socket.socket(fileno=os.dup(connection.fileno()))
        with self._guard:
            self._watched.append(copy)
            if self.passed:
                _shut(copy)

    def pass_now(self) -> None:
        """The time is over: whoever waits reads the end of the stream."""
        with self._guard:
            self.passed = True
            for connection in self._watched:
                _shut(connection)

    def close(self) -> None:
        """The conversation is over, in time or not."""
        with self._guard:
            for connection in self._watched:
                connection.close()
            self._watched.clear()


_present: ContextVar[Deadline | None] = ContextVar("outbound_deadline", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Everything this thread says and hears in the block takes no longer than `seconds`."""
    deadline = Deadline()
    token = _present.set(deadline)
    timer = threading.Timer(seconds, deadline.pass_now)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        _present.reset(token)
        deadline.close()


def watch(connection: socket.socket) -> None:
    """Put a connection under the present deadline, if there is one."""
    deadline = _present.get()
    if deadline is not None:
        deadline.watch(connection)


def session() -> requests.Session:
    """A session whose connections heed the present deadline, may be shared by threads, and keeps no cookies."""
    made = requests.Session()
    # The library lets a .netrc replace a header that holds our key; an authentication of its own keeps it away.
    made.auth = lambda request: request
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Adapter())
    return made


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        deadline = _present.get()
        if deadline is not None and deadline.passed:
            # A library that tries again by itself must not begin anew.
            raise TimeoutError("the time for this call is over")
        made = super()._new_conn()
        watch(made)
        return made

    def request(self, *arguments: Any, **named: Any) -> None:
        # A connection that was kept from an earlier call.
        if self.sock is not None:
            watch(self.sock)
        super().request(*arguments, **named)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
