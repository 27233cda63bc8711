"""RabbitMQ for tests: a private node from the machine's own binaries, or one that is given."""

import base64
import json
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

from tests.support.process import Port, ServerFolder, StartFailure, clean_environment

START_SECONDS = 90
# Before rabbitmq/ra pull request 443, a node wrote the name of a new quorum queue to disk only half a second
# after the declaration was answered. Killed in between, it comes back with an empty queue without a leader.
SETTLE_SECONDS = 1.5
SERVER_PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/sbin/rabbitmq-server")


class RabbitMQ:
    """A broker that tests may use: its address, and virtual hosts of their own."""

    can_be_killed = False

    def __init__(self, url: str, management_url: str | None) -> None:
        self.url = url
        self.management_url = management_url

    def url_of(self, vhost: str) -> str:
        """The address of one virtual host."""
        return urlunsplit(urlsplit(self.url)._replace(path="/" + quote(vhost, safe="")))

    def create_vhost(self) -> str:
        """Make a virtual host nobody else uses; returns its name."""
        vhost = f"test-{uuid.uuid4().hex[:12]}"
        self._manage("PUT", f"/api/vhosts/{vhost}")
        user = urlsplit(self.url).username or "guest"
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._manage("PUT", f"/api/permissions/{vhost}/{quote(user, safe='')}", everything)
        return vhost

    def delete_vhost(self, vhost: str) -> None:
        """Delete a virtual host with all it holds; a broker that is away has nothing to delete."""
        try:
            self._manage("DELETE", f"/api/vhosts/{vhost}")
        except OSError:
            return

    def accepts(self) -> bool:
        """Whether the broker answers the first bytes of the protocol."""
        parts = urlsplit(self.url)
        try:
            with socket.create_connection(
                (parts.hostname or "127.0.0.1", parts.port or 5672), 1
            ) as connection:
                connection.settimeout(2)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                # A willing broker's first frame is a method frame, type 1; an unwilling one repeats "AMQP".
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def manages(self) -> bool:
        """Whether the management API answers."""
        try:
            self._manage("GET", "/api/overview")
        except OSError:
            return False
        return True

    def let_new_queues_settle(self) -> None:
        """Wait until queues declared just now survive a kill on every version."""
        time.sleep(SETTLE_SECONDS)

    def kill(self) -> None:
        """Kill the broker at once; only where `can_be_killed`."""
        raise NotImplementedError("this broker is not ours to kill")

    def start(self) -> None:
        """Start the broker again after `kill`; returns when it accepts connections."""
        raise NotImplementedError("this broker is not ours to start")

    def close(self) -> None:
        """Leave nothing behind. A broker that was given stays as it is."""

    def _manage(self, method: str, path: str, body: object = None) -> None:
        if self.management_url is None:
            raise OSError("this broker has no management API")
        parts = urlsplit(self.url)
        credentials = base64.b64encode(f"{parts.username or 'guest'}:{parts.password or 'guest'}".encode())
        request = urllib.request.Request(
            self.management_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials.decode()}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def find_rabbitmq_server() -> Path | None:
    """The start script of the machine's RabbitMQ, past the wrapper that changes user and folder."""
    places = [*SERVER_PLACES, *(() if (found := shutil.which("rabbitmq-server")) is None else (found,))]
    scripts = (Path(place).resolve() for place in places if os.access(place, os.X_OK))
    found_script = next((script for script in scripts if (script.parent / "rabbitmq-env").exists()), None)
    return found_script if shutil.which("erl") and shutil.which("epmd") else None


class PrivateRabbitMQ(RabbitMQ):
    """A RabbitMQ node of one test run: own ports, own name daemon, own data, gone with the run.

    `start` and `kill` may alternate; the data stays until `close`.
    """

    can_be_killed = True

    def __init__(self, *, management: bool = True) -> None:
        script = find_rabbitmq_server()
        if script is None:
            raise StartFailure("no rabbitmq-server with erl and epmd on this machine")
        self._script = script
        self._management = management
        self._ports = {name: Port() for name in ("amqp", "management", "distribution", "epmd")}
        ports = {name: port.number for name, port in self._ports.items()}
        super().__init__(
            f"amqp://guest:guest@127.0.0.1:{ports['amqp']}/%2F",
            f"http://127.0.0.1:{ports['management']}" if management else None,
        )
        self._folder = ServerFolder("rabbitmq")
        self._environment = self._prepare(self._folder.path, ports)
        self.pid: int | None = None
        self._epmd_runs = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> ServerFolder:
        """Where the node keeps its data and its log, `rabbitmq.log`."""
        return self._folder

    def start(self) -> None:
        """Start the node, the first time or again; returns when it accepts connections."""
        if not self._epmd_runs:
            # A name daemon of our own, in the foreground: one that Erlang starts would outlive the node.
            epmd = shutil.which("epmd") or "epmd"
            port = str(self._ports["epmd"].number)
            argv = [epmd, "-port", port, "-address", "127.0.0.1"]
            self._folder.run("epmd", argv, self._environment, end_signal=signal.SIGKILL)
            self._epmd_runs = True
        self.pid = self._folder.run("rabbitmq", [self._script], self._environment, end_signal=signal.SIGKILL)
        self._folder.wait_until("rabbitmq", self.accepts, START_SECONDS)
        if self._management:
            self._folder.wait_until("rabbitmq", self.manages, START_SECONDS)

    def kill(self) -> None:
        """`kill -9` of the Erlang machine; returns when it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the node in good order; returns when it is gone. The data stays."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """End everything and delete the folder."""
        self._folder.close()
        for port in self._ports.values():
            port.close()
        self.pid = None

    def _end(self, number: int) -> None:
        if self.pid is None:
            return
        self._folder.signal("rabbitmq", number)
        if self._folder.exit_code("rabbitmq", within=60) is None:
            raise StartFailure(f"rabbitmq did not end\n{self._folder.log_tail('rabbitmq')}")
        self.pid = None

    def _prepare(self, folder: Path, ports: dict[str, int]) -> dict[str, str]:
        lines = [f"listeners.tcp.1 = 127.0.0.1:{ports['amqp']}", "log.file = false", "log.console = true"]
        if self._management:
            lines += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {ports['management']}"]
        config = folder / "rabbitmq.conf"
        config.write_text("\n".join(lines) + "\n")
        plugins = folder / "enabled_plugins"
        plugins.write_text("[rabbitmq_management].\n" if self._management else "[].\n")
        data = folder / "data"
        data.mkdir()
        # Nothing of the machine's own RabbitMQ, nor of the caller's settings for it, may shine through.
        return clean_environment("RABBITMQ_", "ERL_", "NOTIFY_SOCKET") | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"rostrum-{ports['amqp']}@localhost",
            "RABBITMQ_DIST_PORT": str(ports["distribution"]),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_MNESIA_DIR": str(data / "node"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(data / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(data / "config"),
            "RABBITMQ_PID_FILE": str(data / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false"
            " -kernel inet_dist_use_interface {127,0,0,1}",
            # The script then becomes the Erlang machine instead of a shell around it: one process to kill.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
