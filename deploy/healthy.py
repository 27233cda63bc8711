"""The health check of a container of ours: does a path on its own port answer 200? Exit 0 when it does.

Run as `python -I -S deploy/healthy.py [PORT [PATH]]`: it imports next to nothing, because it runs every few
seconds in every container.
"""

import socket
import sys


def healthy(port: int = 8000, path: str = "/readyz") -> bool:
    """Whether the process of this container says that it is well."""
    try:
        with socket.create_connection(("127.0.0.1", port), 4) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return connection.recv(12).endswith(b" 200")
    except OSError:
        return False


if __name__ == "__main__":
    port, path = (*sys.argv[1:], *("8000", "/readyz")[len(sys.argv) - 1 :])
    sys.exit(0 if healthy(int(port), path) else 1)
