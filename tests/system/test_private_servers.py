"""The servers that tests run against: side by side, through kill -9, and gone with the run."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pika
import pika.exceptions
import psycopg
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.support.needs import Needs
from tests.support.postgres import PrivatePostgres, find_postgres_binaries
from tests.support.process import Port, StartFailure
from tests.support.rabbitmq import PrivateRabbitMQ, find_rabbitmq_server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rabbitmq_binaries(needs: Needs) -> None:
    """Skip where the broker can only come from elsewhere."""
    if find_rabbitmq_server() is None:
        needs.unmet("amqp", "no rabbitmq-server on this machine")


@pytest.fixture
def postgres_binaries(needs: Needs) -> None:
    """Skip where the database can only come from elsewhere."""
    if find_postgres_binaries() is None:
        needs.unmet("postgres", "no PostgreSQL binaries on this machine")


def channel_of(broker: PrivateRabbitMQ) -> BlockingChannel:
    return pika.BlockingConnection(pika.URLParameters(broker.url)).channel()


def put(broker: PrivateRabbitMQ, body: bytes) -> None:
    channel = channel_of(broker)
    channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
    channel.confirm_delivery()
    channel.basic_publish("", "kept", body, pika.BasicProperties(delivery_mode=2))
    channel.connection.close()


def take(broker: PrivateRabbitMQ) -> bytes | None:
    channel = channel_of(broker)
    # A quorum queue elects its leader for a moment after a restart.
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        _, _, body = channel.basic_get("kept", auto_ack=True)
        if body is not None:
            channel.connection.close()
            return bytes(body)
        time.sleep(0.1)
    return None


def check_vhosts(broker: PrivateRabbitMQ) -> None:
    """A virtual host of its own is empty, and gone after use."""
    vhost = broker.create_vhost()
    connection = pika.BlockingConnection(pika.URLParameters(broker.url_of(vhost)))
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        connection.channel().queue_declare("kept", passive=True)
    connection.close()
    broker.delete_vhost(vhost)
    with pytest.raises(pika.exceptions.AMQPError):
        pika.BlockingConnection(pika.URLParameters(broker.url_of(vhost)))


def gone(pids: list[int], folders: list[Path]) -> Callable[[], bool]:
    return lambda: not any(alive(pid) for pid in pids) and not any(folder.exists() for folder in folders)


def alive(pid: int) -> bool:
    try:
        # A zombie waits for its new parent only; it holds nothing any more.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


# What these say of the tests' own servers changes only with them.
@pytest.mark.long
@pytest.mark.usefixtures("rabbitmq_binaries")
def test_two_brokers_never_meet_and_keep_confirmed_messages_through_kill() -> None:
    with PrivateRabbitMQ() as first, PrivateRabbitMQ(management=False) as second:
        assert urlsplit(first.url).port != urlsplit(second.url).port
        put(first, b"first")
        put(second, b"second")
        check_vhosts(first)
        first.let_new_queues_settle()
        beam = first.pid
        assert beam is not None
        assert alive(beam)
        first.kill()
        assert not alive(beam)
        assert not first.accepts()
        assert second.accepts()
        first.start()
        assert first.pid != beam
        assert take(first) == b"first"
        assert take(second) == b"second"
        folders = [first.folder.path, second.folder.path]
        keepers = [first.folder.keeper_pid, second.folder.keeper_pid]
    assert gone(keepers, folders)()


@pytest.mark.long
@pytest.mark.usefixtures("postgres_binaries")
def test_two_clusters_never_meet_and_keep_committed_rows_through_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PrivatePostgres() as first, PrivatePostgres() as second:
        monkeypatch.setenv("TEST_DATABASE_URL", first.url())
        needs = Needs()
        given = needs.postgres()
        assert (given.url(), given.can_be_killed) == (first.url(), False)
        assert needs.used == {"postgres": "TEST_DATABASE_URL"}
        name = first.create_database()
        with psycopg.connect(first.dsn(name)) as connection:
            connection.execute("CREATE TABLE kept (word text)")
        for word, end in (("killed", first.kill), ("crashed", first.stop_immediate), ("stopped", first.stop)):
            with psycopg.connect(first.dsn(name)) as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", [word])
            end()
            assert not first.accepts()
            assert second.accepts()
            first.start()
        with psycopg.connect(first.dsn(name)) as connection:
            words = connection.execute("SELECT word FROM kept ORDER BY word").fetchall()
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert [word for (word,) in words] == ["crashed", "killed", "stopped"]
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(second.dsn(name))
        first.drop_database(name)
        folders = [first.folder.path, second.folder.path]
        keepers = [first.folder.keeper_pid, second.folder.keeper_pid]
    assert gone(keepers, folders)()


STARTS_BOTH = """
import time
from tests.support.postgres import PrivatePostgres
from tests.support.rabbitmq import PrivateRabbitMQ
postgres, rabbitmq = PrivatePostgres(), PrivateRabbitMQ(management=False)
postgres.start()
rabbitmq.start()
for server in (postgres, rabbitmq):
    print(server.pid, server.folder.keeper_pid, server.folder.path, flush=True)
time.sleep(600)
"""


@pytest.mark.long
@pytest.mark.usefixtures("rabbitmq_binaries", "postgres_binaries")
@pytest.mark.parametrize("victim", ["the run", "the keepers"])
def test_nothing_outlives_a_killed_run(victim: str) -> None:
    run = subprocess.Popen([sys.executable, "-c", STARTS_BOTH], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    rows = [run.stdout.readline().split() for _ in range(2)]
    servers = [int(row[0]) for row in rows]
    keepers = [int(row[1]) for row in rows]
    folders = [Path(row[2]) for row in rows]
    children = [int(pid) for keeper in keepers for pid in children_of(keeper)]
    assert set(servers) <= set(children)
    assert all(alive(pid) for pid in children)
    if victim == "the run":
        run.kill()
        run.wait()
        assert wait_for(gone([*children, *keepers], folders))
    else:
        # Nobody is left to delete the folders then; the servers end all the same.
        for keeper in keepers:
            subprocess.run(["kill", f"-{signal.SIGKILL}", str(keeper)], check=True)
        assert wait_for(gone(children, []))
        run.kill()
        run.wait()
        for folder in folders:
            subprocess.run(["rm", "-rf", str(folder)], check=True)


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_port_is_taken_once() -> None:
    ports = [Port() for _ in range(50)]
    assert len({port.number for port in ports}) == 50
    for port in ports:
        port.close()


@pytest.mark.usefixtures("postgres_binaries")
def test_a_server_that_does_not_start_says_why() -> None:
    server = PrivatePostgres()
    try:
        (server.folder.path / "data" / "postgresql.conf").write_text("max_connections = many\n")
        with pytest.raises(StartFailure, match="max_connections"):
            server.start()
    finally:
        server.close()


def test_require_refuses_a_name_nobody_knows() -> None:
    assert Needs.from_environment({"REQUIRE": "amqp, postgres"}).required == {"amqp", "postgres"}
    with pytest.raises(pytest.UsageError, match="rabbit"):
        Needs.from_environment({"REQUIRE": "rabbit"})


def test_a_missing_need_skips_or_fails_and_is_told() -> None:
    optional, required = Needs(), Needs(frozenset({"amqp"}))
    with pytest.raises(pytest.skip.Exception, match="amqp: not here"):
        optional.unmet("amqp", "not here")
    with pytest.raises(pytest.fail.Exception, match="amqp: not here"):
        required.unmet("amqp", "not here")
    told = optional.summary(["Skipped: amqp: not here", "Skipped: amqp: not here"])
    assert told[0] == "RabbitMQ        MISSING: not here"
    assert told[1] == "PostgreSQL      not asked for by these tests"
    assert told[-1] == "skipped    2    amqp: not here"
