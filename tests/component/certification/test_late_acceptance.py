"""The registry takes a name long after its answer was lost, and never deduplicates: it is sent once all the same."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.sandbox.scrum_alliance.sandbox import Sandbox
from shared.clock import FrozenClock
from shared.contracts.certification import CertificateHeld, MembershipActivationRequested
from shared.errors import Unavailable
from shared.messaging.subscriptions import Task
from tests.component.certification.events import Story
from tests.component.certification.line import START, HandWork, Line
from tests.component.certification.running import Running

QUIET = 1200.0


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Real time, moved by hand."""
    clock = FrozenClock(START)
    monkeypatch.setattr("services.certification.handlers.submissions.SystemClock", lambda: clock)
    return clock


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Certification as in production: it waits for a lost call."""
    line = Line(tmp_path, quiet_seconds=QUIET)
    yield line
    line.close()


def lose(line: Line) -> Story:
    """The first call is lost on its way."""
    story = Story()
    line.tell(*story.all_good())
    line.registry.keep_waiting = 1
    line.work()
    return story


def test_is_found_and_nothing_is_sent_a_second_time(line: Line, real: FrozenClock) -> None:
    story = lose(line)
    for wait in (5, 30, 120, 600):
        real.advance(timedelta(seconds=wait))
        line.work()
        assert len(line.registry.requests) == 1
    line.registry.accept_what_waited()
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]


def test_negative_control_without_the_quiet_time_the_name_is_taken_twice(
    tmp_path: Path, real: FrozenClock
) -> None:
    line = Line(tmp_path, quiet_seconds=0)
    lose(line)
    real.advance(timedelta(seconds=5))
    line.work()
    line.registry.accept_what_waited()
    assert list(line.registry.accepted.values()) == [2]
    line.close()


def test_that_never_comes_is_followed_by_a_second_call(line: Line, real: FrozenClock) -> None:
    story = lose(line)
    real.advance(timedelta(seconds=QUIET - 1))
    line.work()
    assert len(line.registry.requests) == 1
    real.advance(timedelta(seconds=2))
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]


def test_each_call_begins_a_quiet_time_of_its_own(line: Line, real: FrozenClock) -> None:
    lose(line)
    line.registry.keep_waiting = 1
    real.advance(timedelta(seconds=QUIET + 1))
    line.work()
    real.advance(timedelta(seconds=QUIET - 1))
    line.work()
    assert len(line.registry.requests) == 2


def test_the_next_attempt_is_asked_for_when_it_ends(line: Line, real: FrozenClock) -> None:
    lose(line)
    real.advance(timedelta(seconds=1000))
    ((message_id, event),) = line.pending
    task = line.table[MembershipActivationRequested.TYPE]
    assert isinstance(task, Task)
    with pytest.raises(Unavailable) as waiting:
        task.perform(event, HandWork(line.transactions, message_id))
    assert waiting.value.retry_within == 200


def test_a_call_that_was_turned_away_is_repeated_at_once(line: Line, real: FrozenClock) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.registry.turns_away = True
    line.work()
    line.registry.turns_away = False
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]


def test_a_call_that_was_stored_and_perhaps_never_made_counts_as_lost(
    line: Line, real: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story()
    line.tell(*story.all_good())
    passing = iter((0.0, 3600.0))
    with monkeypatch.context() as frozen:
        frozen.setattr("services.certification.tasks.time.monotonic", lambda: next(passing))
        line.work()
    line.work()
    assert not line.registry.requests
    real.advance(timedelta(seconds=QUIET + 1))
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"


def test_what_comes_back_after_a_hold_waits_as_well(line: Line, real: FrozenClock) -> None:
    story = lose(line)
    line.tell(story.disputed())
    line.work()
    assert line.join(story.enrollment_id).state == "withheld"
    line.tell(story.dispute_won())
    real.advance(timedelta(seconds=60))
    line.work()
    assert len(line.registry.requests) == 1
    line.registry.accept_what_waited()
    line.work()
    assert line.join(story.enrollment_id).state == "submitted"
    assert list(line.registry.accepted.values()) == [1]


def called_again_and_given_up_after(line: Line, real: FrozenClock, hours: float) -> Story:
    """The registry was away for so long; the call that followed was lost, and the money went back."""
    story = Story()
    line.tell(*story.all_good())
    line.registry.away = True
    line.work()
    line.clock.advance(timedelta(hours=hours))
    real.advance(timedelta(hours=hours))
    line.registry.away, line.registry.keep_waiting = False, 1
    line.work()
    assert line.registry.waiting
    line.tell(story.refunded())
    line.work()
    assert line.join(story.enrollment_id).state == "withheld"
    return story


def assert_flagged_once(line: Line, story: Story) -> None:
    assert line.join(story.enrollment_id).state == "flagged"
    assert len(line.said_of(CertificateHeld)) == 1


@pytest.mark.parametrize("hours", [1, 50, 500])
def test_of_a_call_long_after_the_first_is_still_found_and_flagged(
    line: Line, real: FrozenClock, hours: float
) -> None:
    story = called_again_and_given_up_after(line, real, hours)
    line.check()
    line.registry.accept_what_waited()
    line.clock.advance(timedelta(hours=1))
    line.check()
    assert_flagged_once(line, story)


def test_is_watched_for_as_long_as_after_a_first_call(line: Line, real: FrozenClock) -> None:
    story = called_again_and_given_up_after(line, real, hours=50)
    for _ in range(47):
        line.clock.advance(timedelta(hours=1))
        line.check()
    line.registry.accept_what_waited()
    line.clock.advance(timedelta(hours=1))
    line.check()
    assert_flagged_once(line, story)


def test_a_check_without_an_answer_neither_ends_the_watch_nor_counts(line: Line, real: FrozenClock) -> None:
    story = called_again_and_given_up_after(line, real, hours=1)
    line.registry.away = True
    for _ in range(3):
        line.clock.advance(timedelta(hours=50))
        line.check()
    assert [submission.checks for submission in line.submissions()] == [0]
    line.registry.away = False
    line.registry.accept_what_waited()
    line.clock.advance(timedelta(hours=1))
    line.check()
    assert_flagged_once(line, story)


def test_the_watch_ends_with_the_first_answer_after_its_time(line: Line, real: FrozenClock) -> None:
    called_again_and_given_up_after(line, real, hours=1)
    line.clock.advance(timedelta(hours=49))
    line.check()
    (submission,) = line.submissions()
    assert (submission.next_check_at, submission.checks) == (None, 1)


@pytest.mark.parametrize(("quiet_seconds", "accepted"), [(3.0, 1), (0.0, 2)])
def test_over_http_by_a_real_worker(
    tmp_path: Path, sandbox: tuple[Sandbox, str], quiet_seconds: float, accepted: int
) -> None:
    """Without the quiet time, the negative control, the name is taken twice."""
    there, url = sandbox
    there.behaviours.apply({"behaviour": "no_deduplication"})
    there.behaviours.apply({"behaviour": "accept_late", "seconds": 0.5, "times": 1})
    running = Running(tmp_path, url, LOST_ANSWER_WAIT_SECONDS=str(quiet_seconds))
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    time.sleep(0.6)
    assert len(there.roster.find(str(join.activation_id))) == accepted
    running.close()
