"""Keep-alive clients on raw sockets: light enough to ask for several times what a bare view can answer."""

import re
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Executor

PROCESSES = 2
CONNECTIONS = 8
"""Of each process."""
KEY = b"{key}"
"""Replaced by a new value in every request."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def rate(clients: Executor, port: int, requests: Sequence[bytes], *, status: int, seconds: float) -> float:
    """Good answers per second, asked for by `PROCESSES` processes of `clients`; any other answer is an error."""
    begins_at = time.time() + 0.2
    asking = [
        clients.submit(ask, port, requests, status, begins_at, begins_at + seconds) for _ in range(PROCESSES)
    ]
    return sum(each.result() for each in asking) / seconds


def ask(port: int, requests: Sequence[bytes], status: int, begins_at: float, ends_at: float) -> int:
    """How many answers this process got in time."""
    counts = [0] * CONNECTIONS
    problems: list[Exception] = []

    def client(n: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                time.sleep(max(0.0, begins_at - time.time()))
                turn = n
                while True:
                    request = requests[turn % len(requests)]
                    turn += CONNECTIONS
                    connection.sendall(request.replace(KEY, str(uuid.uuid4()).encode()))
                    _read(connection, b"HTTP/1.1 %d " % status)
                    if time.time() > ends_at:
                        return
                    counts[n] += 1
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return sum(counts)


def _read(connection: socket.socket, begins_with: bytes) -> None:
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _more(connection)
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(begins_with) or length is None:
        raise RuntimeError(f"an answer that was not asked for: {bytes(data[:500])!r}")
    missing = end + 4 + int(length.group(1)) - len(data)
    while missing > 0:
        missing -= len(_more(connection))


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(262_144)
    if not data:
        raise ConnectionError("the server hung up within an answer")
    return data
