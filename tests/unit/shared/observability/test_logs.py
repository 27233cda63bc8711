"""No log line quotes a person, whoever writes it: tracebacks and gunicorn's own words neither."""

import io
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from deploy import gunicorn_conf
from shared.observability.logs import configure_logs

PERSON = "ada@example.org"


@pytest.fixture(params=["json", "text"])
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """What was written, in one of the two formats."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    configure_logs(request.param, "demo")
    (ours,) = root.handlers
    assert isinstance(ours, logging.StreamHandler)
    ours.setStream(stream)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def report(log: Any) -> None:
    try:
        raise ValueError(f"could not read {PERSON}")
    except ValueError:
        log.exception("it broke")


@pytest.mark.parametrize("get_logger", [logging.getLogger, structlog.stdlib.get_logger])
def test_a_traceback_becomes_the_errors_words(
    written: Callable[[], str], get_logger: Callable[[str], Any]
) -> None:
    report(get_logger("some.library"))
    lines = written()
    assert PERSON not in lines
    assert "ValueError: could not read [masked]" in lines
    assert len(lines.splitlines()) == 1


def test_a_line_names_its_service_on_every_thread(written: Callable[[], str]) -> None:
    thread = threading.Thread(target=lambda: structlog.get_logger("ours").info("here"))
    thread.start()
    thread.join()
    assert "demo" in written()


def test_what_gunicorn_says_goes_the_same_way(written: Callable[[], str]) -> None:
    log = logging.getLogger("gunicorn.error")
    handlers, propagate = log.handlers[:], log.propagate
    log.addHandler(logging.StreamHandler())
    log.propagate = False
    try:
        gunicorn_conf.post_worker_init(None)
        report(log)
    finally:
        log.handlers[:], log.propagate = handlers, propagate
    lines = written()
    assert PERSON not in lines
    assert lines.count("it broke") == 1
