"""Serves WSGI applications on threads of this process, quietly."""

import socket
import threading

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

# How long `stop` may have to wait for a server that nobody calls.
POLL_SECONDS = 0.1
EVERYWHERE = ("0.0.0.0", "::", "")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose.

    Answers in several pieces are not held back until the first is acknowledged, which takes 40 ms.
    """
    listening = socket.create_server((host, port), backlog=128)
    # Accepted connections take it over.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def reachable(host: str) -> str:
    """Where this machine itself finds a server bound to `host`."""
    return "127.0.0.1" if host in EVERYWHERE else host


class QuietHandler(WSGIRequestHandler):
    """Logs no request: the sandboxes answer polls all day long. Errors are still logged."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Serving:
    """A bound port, and from `start` on the application behind it; port 0 lets the system choose."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = bind(host, port)
        self._host = host
        self.port = int(self._socket.getsockname()[1])
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        return f"http://{reachable(self._host)}:{self.port}"

    def start(self, app: Flask) -> "Serving":
        """Serve until `stop`; connections made since the port was bound are answered now."""
        server = make_server(
            self._host,
            self.port,
            app,
            threaded=True,
            request_handler=QuietHandler,
            fd=self._socket.fileno(),
        )
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(POLL_SECONDS,), name=f"http-{self.port}", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more requests. Those in hand end with the process."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.socket.close()
        self._socket.close()
