"""SIGKILL between any two durable steps: the story still ends, on both stacks, and nobody lends a hand.

One site per stack runs through all points, a new student in a new workshop for each. The Scrum Alliance sandbox
does not deduplicate, so that a name sent twice is a name accepted twice.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import pytest

from deploy.embedded.story import Story, StoryFailed
from tests.support.armed import SITE, WORKER, Armory, Order
from tests.support.site import EMBEDDED, RABBITMQ, STACKS, Site, Stack, real_servers

SETTINGS = {
    "LEASE_SECONDS": "1",
    "RETRY_SECONDS": "0.5,0.5,1,1,2",
    "ACTIVATION_POLL_SECONDS": "0.2",
}
REACHED_SECONDS = 20.0
PATIENCE = 45.0
SHORT = 8.0
"""Long enough for what usually takes a second, in a test that waits for what must not come."""
MOST_FAILURES = 3


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where to die, armed right before a step of the story. Without `stack` it is there on both."""

    name: str
    service: str
    process: str
    before: str
    stack: str | None = None

    def __str__(self) -> str:
        return f"{self.name}-{self.service}-{self.process}-{self.before}"


def point(name: str, where: str, before: str, stack: str | None = None) -> Point:
    service, process = where.split()
    return Point(name=name, service=service, process=process, before=before, stack=stack)


POINTS = (
    # A booking is placed, and the browser goes on to the payment page.
    point("before_commit", f"enrollment {SITE}", "confirm"),
    point("after_commit_before_publish", f"enrollment {SITE}", "confirm"),
    point("after_publish_before_confirm", f"enrollment {WORKER}", "confirm"),
    point("between_subscribers", f"enrollment {WORKER}", "confirm", EMBEDDED),
    point("after_confirm_before_mark", f"enrollment {WORKER}", "confirm"),
    point("after_mark_published", f"enrollment {WORKER}", "confirm"),
    point("after_checkout_stored_before_stripe", f"payment {SITE}", "confirm"),
    point("after_stripe_before_checkout_recorded", f"payment {SITE}", "confirm"),
    # Stripe has taken the money and says so.
    point("after_webhook_stored_before_answer", f"payment {SITE}", "pay"),
    point("after_claim", f"payment {WORKER}", "pay"),
    point("after_mark_before_effect", f"payment {WORKER}", "pay"),
    point("before_commit", f"payment {WORKER}", "pay"),
    point("after_commit_before_publish", f"payment {WORKER}", "pay"),
    point("after_effect_committed", f"payment {WORKER}", "pay"),
    point("after_mail_sent_before_recorded", f"enrollment {WORKER}", "pay"),
    point("after_session_read_before_followed", f"payment {SITE}", "return"),
    # The trainer completes, and the name goes to the Scrum Alliance.
    point("after_commit_before_publish", f"enrollment {SITE}", "complete"),
    point("after_effect_before_ack", f"certification {WORKER}", "complete", RABBITMQ),
    point("after_ack", f"certification {WORKER}", "complete", RABBITMQ),
    point("after_store_before_ack", f"certification {WORKER}", "complete", RABBITMQ),
    point("after_commit_before_publish", f"certification {WORKER}", "complete"),
    point("after_task_claim", f"certification {WORKER}", "complete"),
    point("submission_stored", f"certification {WORKER}", "complete"),
    point("submission_called", f"certification {WORKER}", "complete"),
    # The student has accepted the licence.
    point("after_look_up_before_recorded", f"certification {WORKER}", "activate"),
)


class Line:
    """One site with its armed programs."""

    def __init__(self, stack: Stack) -> None:
        self.armory: Armory
        self.site = Site(stack, programs=self._programs, settings=SETTINGS)

    def __enter__(self) -> Self:
        self.site.__enter__()
        self.site.misbehave("no_deduplication")
        return self

    def __exit__(self, *_: object) -> None:
        self.site.__exit__()

    def _programs(self, plan: Any) -> Any:
        self.armory = Armory(plan.folder / "armed")
        return self.armory.programs(plan)

    def story_through(self, where: Point, *, patience: float = PATIENCE) -> Story:
        """A story that is interrupted there; the next step waits until it has been.

        `patience` is for what follows the interruption.
        """

        def before(step: str) -> None:
            if where.before == "return" and step in ("pay", "sign_in"):
                # A webhook that is quicker than the browser leaves nothing to look up.
                self.site.webhooks("delay" if step == "pay" else "normal", milliseconds=5_000)
            if step == where.before:
                story.patience = patience
                order = Order(point=where.name, service=where.service, process=where.process)
                self.armory.arm(order)
            elif self.armory.is_armed():
                wait_until_reached(self.armory, where)

        story = self.site.story(workshop_id=self.site.open_workshop(), before=before, patience=PATIENCE)
        return story

    def do_without(self, *guards: str) -> None:
        """Start every worker again, without these guards."""
        self.armory.do_without(*guards)
        for name in [p.name for p in self.site.plan.programs() if "worker" in p.name]:
            before = self.armory.pid_of(name)
            os.kill(before, signal.SIGKILL)
            wait(lambda name=name, before=before: self.armory.pid_of(name) != before, f"{name} to be back")


def wait_until_reached(armory: Armory, where: Point) -> None:
    wait(armory.was_reached, f"somebody to come to {where}")


def wait(holds: Any, what: str) -> None:
    deadline = time.monotonic() + REACHED_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.02)


class Lines:
    """One line for each stack; one that a test has failed on is not used again."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._lines: dict[str, Line] = {}
        self._exits: dict[str, ExitStack] = {}
        self._failures: Counter[str] = Counter()

    @contextmanager
    def on(self, name: str) -> Iterator[Line]:
        """The line of a stack, started when it is first asked for."""
        if self._failures[name] >= MOST_FAILURES:
            pytest.fail(
                f"{MOST_FAILURES} points have failed on {name}: the others are not tried", pytrace=False
            )
        if name not in self._lines:
            with ExitStack() as exits:
                stack = Stack()
                if name == RABBITMQ:
                    ask = self._request.getfixturevalue
                    stack = exits.enter_context(real_servers(ask("rabbitmq"), ask("postgres")))
                line = exits.enter_context(Line(stack))
                self._lines[name] = line
                self._exits[name] = exits.pop_all()
        try:
            yield self._lines[name]
        except BaseException:
            self._failures[name] += 1
            del self._lines[name]
            self._exits.pop(name).close()
            raise

    def close(self) -> None:
        """End what runs."""
        while self._exits:
            self._exits.popitem()[1].close()


@pytest.fixture(scope="module")
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """Makes the line of a stack when it is first asked for."""
    made = Lines(request)
    yield made
    made.close()


def there_are_points(stack: str) -> list[Any]:
    return [
        pytest.param(stack, where, id=f"{stack}-{where}") for where in POINTS if where.stack in (None, stack)
    ]


@pytest.mark.parametrize(("stack", "where"), [case for stack in STACKS for case in there_are_points(stack)])
def test_killed_at(stack: str, where: Point, lines: Lines) -> None:
    with lines.on(stack) as line:
        line.story_through(where).run()

        assert line.armory.was_reached()
        assert set(line.site.unhandled().values()) == {0}
        assert set(line.site.unpublished().values()) == {0}


@pytest.mark.parametrize("stack", STACKS)
def test_there_are_at_least_ten_points(stack: str) -> None:
    assert len({case.values[1].name for case in there_are_points(stack)}) >= 10


RESUBMITTED = point("submission_called", f"certification {WORKER}", "complete")
MARKED = point("marked_too_early", f"certification {WORKER}", "complete")
ACKNOWLEDGED = point("acknowledged_too_early", f"certification {WORKER}", "complete")
TWICE, LOST = "accepted 2 submissions", "the activation e-mail of the Scrum Alliance arrives"


@pytest.mark.parametrize(
    ("stack", "without", "where", "complaint", "patience"),
    [
        (EMBEDDED, "resubmit_without_looking", RESUBMITTED, TWICE, PATIENCE),
        (EMBEDDED, "mark_before_the_effect", MARKED, LOST, SHORT),
        # The same guard as above, on the other stack.
        pytest.param(
            RABBITMQ, "resubmit_without_looking", RESUBMITTED, TWICE, PATIENCE, marks=pytest.mark.long
        ),
        (RABBITMQ, "acknowledge_before_the_effect", ACKNOWLEDGED, LOST, SHORT),
    ],
    ids=["embedded-submitted twice", "embedded-lost", "rabbitmq-submitted twice", "rabbitmq-lost"],
)
def test_negative_control_without_a_guard_the_story_fails(
    stack: str, without: str, where: Point, complaint: str, patience: float, lines: Lines
) -> None:
    with lines.on(stack) as line:
        line.do_without(without)
        with pytest.raises(StoryFailed, match=complaint):
            line.story_through(where, patience=patience).run()
        assert line.armory.was_reached()
        line.do_without()
