"""`dead-letters` says and does what the pages do."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shared.cli.dead_letters import dead_letters
from shared.ids import new_id
from shared.service import Service
from tests.support.demo_service import demo_service
from tests.support.failed_messages import BROKEN, KEY, dead, failing, set_states, states


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Three messages that failed in the same way."""
    service = demo_service(tmp_path)
    dead(service.engine, "a", "b")
    failing(service.engine, "c")
    yield service
    service.engine.dispose()


def run(service: Service, *arguments: str) -> Result:
    """What somebody types."""
    return CliRunner().invoke(dead_letters, list(arguments), obj=service)


def test_groups_are_listed_one_a_line(service: Service) -> None:
    (line,) = run(service, "groups").output.splitlines()
    told = json.loads(line)
    assert (told["type"], told["fingerprint"]) == (KEY.type, "f1")
    assert (told["dead"], told["retrying"], told["error"]) == (2, 1, BROKEN.error)


def test_a_retry_waits_for_its_result(service: Service) -> None:
    def work() -> None:
        while "received" not in states(service.engine).values():
            pass
        set_states(service.engine, a="handled", b="dead", c="handled")

    worker = threading.Thread(target=work)
    worker.start()
    done = run(service, "retry-group", KEY.type, "f1", "--wait", "20")
    worker.join()
    assert "3 retried: 2 handled, 1 failed again, 0 waiting" in done.output
    assert done.exit_code == 1


def test_who_does_not_wait_is_told_how_to_look_again(service: Service) -> None:
    done = run(service, "retry-group", KEY.type, "f1", "--wait", "0")
    assert done.exit_code == 0
    assert "3 retried: 0 handled, 0 failed again, 3 waiting" in done.output
    action_id = done.output.split()[-1]
    set_states(service.engine, a="handled", b="handled", c="handled")
    assert "3 retried: 3 handled, 0 failed again, 0 waiting" in run(service, "result", action_id).output


def test_a_discard_keeps_its_reason(service: Service) -> None:
    refused = run(service, "discard-group", KEY.type, "f1", "--reason", " ")
    assert refused.exit_code == 1
    assert "Say why the messages are discarded." in refused.output
    assert "3 discarded" in run(service, "discard-group", KEY.type, "f1", "--reason", "not ours").output
    assert set(states(service.engine).values()) == {"discarded"}


def test_an_unknown_result_is_one_line(service: Service) -> None:
    done = run(service, "result", str(new_id()))
    assert done.exit_code == 1
    assert done.output.startswith("Error: Nobody has")
