"""The sandbox's memory: through kills, under many threads, and at no cost while nothing happens."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from deploy.sandbox.stripe.store import Store
from shared.clock import OffsetClock
from tests.support.stripe_sandbox import (
    HOST,
    Running,
    make_client,
    receiving,
    running,
    session_parameters,
    utc_now,
    wait_until,
)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def process(port: int, state_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A sandbox in a process of its own, killed at the end."""
    arguments = [sys.executable, "-m", "tests.support.stripe_sandbox", str(port), str(state_file)]
    child = subprocess.Popen(arguments)
    try:
        wait_until(lambda: _answers(port), seconds=20)
        yield child
    finally:
        child.kill()
        child.wait()


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://{HOST}:{port}/healthz", timeout=1).status_code == 200
    except requests.ConnectionError:
        return False


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    port, state_file = free_port(), tmp_path / "sandboxes" / "stripe.state"
    client = make_client(f"http://{HOST}:{port}")
    control = f"http://{HOST}:{port}/_sandbox"
    options: Any = {"idempotency_key": "key-1"}
    parameters = cast(Any, session_parameters(client_reference_id="booking-7"))
    with process(port, state_file) as child:
        session = client.v1.checkout.sessions.create(parameters, options)
        requests.post(f"{control}/pay", json={"session": session.id}, timeout=5).raise_for_status()
        charge = client.v1.charges.list().data[0]
        refund = client.v1.refunds.create({"charge": charge.id, "amount": 100})
        before = requests.get(f"{control}/state", timeout=5).json()
        child.send_signal(signal.SIGKILL)
        child.wait()
    with process(port, state_file):
        after = requests.get(f"{control}/state", timeout=5).json()
        assert {k: v for k, v in after.items() if k != "now"} == {
            k: v for k, v in before.items() if k != "now"
        }
        assert client.v1.refunds.retrieve(refund.id).amount == 100
        assert client.v1.checkout.sessions.create(parameters, options).id == session.id
        assert len(client.v1.charges.list().data) == 1


def test_a_kill_at_any_moment_leaves_whole_transactions(tmp_path: Path) -> None:
    port, state_file = free_port(), tmp_path / "stripe.state"
    control = f"http://{HOST}:{port}/_sandbox"
    answered: set[str] = set()

    def buy() -> None:
        client = make_client(f"http://{HOST}:{port}")
        while True:
            try:
                session = client.v1.checkout.sessions.create(cast(Any, session_parameters()))
                requests.post(f"{control}/pay", json={"session": session.id}, timeout=5).raise_for_status()
            except Exception:
                return
            answered.add(session.id)

    with process(port, state_file) as child:
        buyers = [threading.Thread(target=buy) for _ in range(4)]
        for buyer in buyers:
            buyer.start()
        time.sleep(0.7)
        child.send_signal(signal.SIGKILL)
        child.wait()
        for buyer in buyers:
            buyer.join()
    assert len(answered) > 3
    with process(port, state_file):
        state = requests.get(f"{control}/state", timeout=5).json()
    complete = {s["id"]: s for s in state["checkout.session"] if s["status"] == "complete"}
    assert answered <= set(complete)
    charged = [charge["payment_intent"] for charge in state["charge"]]
    assert sorted(charged) == sorted(session["payment_intent"] for session in complete.values())
    completed = [e for e in state["event"] if e["type"] == "checkout.session.completed"]
    assert {event["data"]["object"]["id"] for event in completed} == set(complete)


def test_deliveries_and_expiries_go_on_after_a_restart(tmp_path: Path) -> None:
    state_file, clock = tmp_path / "stripe.state", OffsetClock(tmp_path / "clock-offset")
    with receiving() as receiver:
        with running(
            state_file=state_file, clock=clock, webhook_url=receiver.url, background=False
        ) as sandbox:
            sandbox.open_session(expires_at=utc_now() + 1900)
            sandbox.pay()
        with running(state_file=state_file, clock=clock, webhook_url=receiver.url) as sandbox:
            wait_until(lambda: len(receiver.types()) == 5)
            clock.advance(timedelta(seconds=1900))
            wait_until(lambda: receiver.types()[5:] == ["checkout.session.expired"], seconds=1.5)


def test_a_torn_last_line_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "state"
    store = Store(path)
    for number in range(3):
        with store.transaction(0) as tx:
            tx.put("charge", {"id": f"ch_{number}"})
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    store = Store(path)
    with store.transaction(0) as tx:
        assert [item["id"] for item in tx.newest_first("charge")] == ["ch_1", "ch_0"]
        tx.put("charge", {"id": "ch_3"})
    store.close()
    store = Store(path)
    with store.transaction(0) as tx:
        assert [item["id"] for item in tx.newest_first("charge")] == ["ch_3", "ch_1", "ch_0"]
    store.close()


def test_a_failed_transaction_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    with store.transaction(0) as tx:
        tx.put("charge", {"id": "ch_1", "deep": {"list": [1]}})
    before = (tmp_path / "state").read_bytes()

    def fail() -> None:
        with store.transaction(0) as tx:
            tx.edit("charge", "ch_1")["deep"]["list"].append(2)
            tx.put("charge", {"id": "ch_2"})
            raise RuntimeError("something went wrong")

    with pytest.raises(RuntimeError, match="went wrong"):
        fail()
    with store.transaction(0) as tx:
        assert list(tx.newest_first("charge")) == [{"id": "ch_1", "deep": {"list": [1]}}]
    assert (tmp_path / "state").read_bytes() == before
    store.close()


def test_many_buyers_of_one_session_pay_it_once() -> None:
    with running() as sandbox:
        for _ in range(5):
            session = sandbox.open_session()
            answers = in_parallel(8, lambda number, session=session: _try_to_pay(sandbox, session.id))
            assert sorted(answers) == [200] + [400] * 7
        assert len(sandbox.client.v1.charges.list().data) == 5


def _try_to_pay(sandbox: Running, session_id: str) -> int:
    return requests.post(f"{sandbox.url}/_sandbox/pay", json={"session": session_id}, timeout=10).status_code


def test_many_threads_refund_no_more_than_the_charge() -> None:
    with running() as sandbox:
        charge = sandbox.pay()

        def refund(number: int) -> bool:
            try:
                make_client(sandbox.url).v1.refunds.create({"charge": charge.id, "amount": 5000})
            except Exception:
                return False
            return True

        assert sum(in_parallel(8, refund)) == 4
        assert sandbox.client.v1.charges.retrieve(charge.id).amount_refunded == 20000


def in_parallel(count: int, work: Any) -> list[Any]:
    """What a function says when several threads call it at once."""
    results: list[Any] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_an_idle_sandbox_costs_next_to_nothing(tmp_path: Path) -> None:
    port = free_port()
    with process(port, tmp_path / "state") as child:
        client = make_client(f"http://{HOST}:{port}")
        for _ in range(20):
            session = client.v1.checkout.sessions.create(cast(Any, session_parameters()))
            requests.post(f"http://{HOST}:{port}/_sandbox/pay", json={"session": session.id}, timeout=5)
        # One that is still open makes the sandbox look at its clock twice a second.
        client.v1.checkout.sessions.create(cast(Any, session_parameters()))
        time.sleep(0.2)
        before = _processor_seconds(child.pid)
        time.sleep(2)
        # The test's own serving loop wakes 50 times a second; it is part of this figure.
        assert _processor_seconds(child.pid) - before <= 0.1


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_reset_forgets_all_but_the_endpoint() -> None:
    with receiving() as receiver, running(webhook_url=receiver.url) as sandbox:
        sandbox.pay()
        sandbox.control("webhooks", {"mode": "drop"})
        sandbox.control("faults", {"kind": "server_error"})
        sandbox.control("reset", {})
        state = sandbox.control("state")
        assert (state["checkout.session"], state["charge"], state["event"], state["faults"]) == (
            [],
            [],
            [],
            [],
        )
        assert state["webhook_endpoint"]["url"] == receiver.url
        assert sandbox.control("counters")["sessions"] == {}
        receiver.received.clear()
        sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
        wait_until(lambda: receiver.types() == ["checkout.session.expired"])
