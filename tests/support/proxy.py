"""A TCP proxy in front of a server, which can hold everything back: a network that delivers nothing."""

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards to the server of `url`; `url` of the proxy is the same address through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        user, at, _ = parts.netloc.rpartition("@")
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._listener.close()
        self.cut()

    def hold(self) -> None:
        """Deliver nothing more, in both directions, without closing anything."""
        self._flowing.clear()

    def release(self) -> None:
        """Deliver again, first what was held back."""
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection that goes through."""
        while self._sockets:
            with contextlib.suppress(OSError):
                self._sockets.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                inside, _ = self._listener.accept()
                outside = socket.create_connection(self._target)
                self._sockets += [inside, outside]
                for source, target in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                self._flowing.wait()
                target.sendall(data)
