"""A state machine over the three services in one process: whatever happens, in whatever order, it ends right."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.certification.gateways.scrum_alliance import ScrumAlliance
from tests.support.in_process import SERVICES, WholeSite, make_databases, whole_site
from tests.support.outcome import Outcome
from tests.support.play import Play

SITES: list[WholeSite] = []
"""The site the examples run on; each example has a workshop of its own."""

EXAMPLES_OF_A_PART = 500

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)

services = st.sampled_from(SERVICES)


class WholeLife(RuleBasedStateMachine):
    """One workshop from its publication until everything has settled."""

    # Long chains of luck are rare, so examples begin at different points of the story.
    @initialize(begun=st.sampled_from(["empty", "bought", "confirmed", "completed"]), seats=st.integers(1, 2))
    def publish(self, begun: str, seats: int) -> None:
        self.play = Play(SITES[-1])
        self.vanished = 0
        if begun != "empty":
            self.play.buy(seats)
        if begun in ("confirmed", "completed"):
            self.play.deliver_webhooks()
            self.play.site.carry()
        if begun == "completed":
            self.play.complete(eligible=True)

    @rule(seats=st.integers(1, 2))
    def book(self, seats: int) -> None:
        if len(self.play.bookings) < 4:
            self.play.book(seats)

    @rule(seats=st.integers(1, 2))
    def buy(self, seats: int) -> None:
        if len(self.play.bookings) < 4:
            self.play.buy(seats)

    @precondition(lambda self: self.play.bookings)
    @rule(data=st.data())
    def open_checkout(self, data: st.DataObject) -> None:
        self.play.open_checkout(data.draw(st.sampled_from(self.play.bookings)))

    @precondition(lambda self: self.play.sessions)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        self.play.pay(data.draw(st.sampled_from(sorted(self.play.sessions))))

    @precondition(lambda self: self.play.sessions)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        self.play.refund(data.draw(st.sampled_from(sorted(self.play.sessions))))

    @precondition(lambda self: self.play.sessions)
    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        self.play.dispute(data.draw(st.sampled_from(sorted(self.play.sessions))))

    @precondition(lambda self: self.play.disputed)
    @rule(data=st.data(), outcome=st.sampled_from(["win", "lose"]))
    def decide_dispute(self, data: st.DataObject, outcome: str) -> None:
        self.play.decide_dispute(data.draw(st.sampled_from(sorted(self.play.disputed))), outcome)

    @precondition(lambda self: self.play.bookings and not self.play.completed)
    @rule(eligible=st.sampled_from([True, True, True, False]))
    def complete(self, eligible: bool) -> None:
        self.play.complete(eligible)

    @precondition(lambda self: self.play.eligible)
    @rule(data=st.data(), eligible=st.booleans())
    def correct(self, data: st.DataObject, eligible: bool) -> None:
        self.play.correct(data.draw(st.sampled_from(sorted(self.play.eligible))), eligible)

    @rule(name=services)
    def relay(self, name: str) -> None:
        self.play.relay(name)

    @rule(name=services)
    def handle(self, name: str) -> None:
        self.play.handle(name)

    @rule(name=services)
    def perform(self, name: str) -> None:
        self.play.perform(name)

    @rule()
    def carry_everything(self) -> None:
        self.play.site.carry()

    @rule(name=services)
    def publish_again(self, name: str) -> None:
        self.play.publish_again(name)

    # Twice at most: the third interruption of one message makes it dead, on purpose.
    @precondition(lambda self: self.vanished < 2)
    @rule(name=services, task=st.booleans())
    def vanish(self, name: str, task: bool) -> None:
        self.vanished += 1
        self.play.vanish(name, task=task)

    @rule()
    def deliver_webhook(self) -> None:
        self.play.deliver_webhook()

    @rule(choice=st.integers(0, 50))
    def deliver_any_webhook(self, choice: int) -> None:
        self.play.deliver_any_webhook(choice)

    @rule(behaviour=st.sampled_from(["timeout_after_accepting", "server_error", "too_many_requests"]))
    def trouble_at_registry(self, behaviour: str) -> None:
        self.play.trouble_at_registry(behaviour)

    @rule(minutes=st.sampled_from([1, 10, 32, 45]))
    def time_passes(self, minutes: int) -> None:
        self.play.site.pass_time(minutes=minutes)

    @rule(name=services)
    def timers_run(self, name: str) -> None:
        self.play.site.tick(name)

    @invariant()
    def always(self) -> None:
        if hasattr(self, "play"):
            Outcome(self.play).check_always()

    def teardown(self) -> None:
        if hasattr(self, "play"):
            outcome = Outcome(self.play)
            outcome.settle()
            outcome.check_end()


@contextmanager
def shared_site() -> Iterator[None]:
    """One site for many examples, in memory where the machine has such a folder."""
    memory = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="rostrum-life-", dir=memory if memory.is_dir() else None))
    try:
        (folder / "template").mkdir()
        make_databases(folder / "template")
        with whole_site(folder / "template", folder) as site:
            SITES.append(site)
            yield
    finally:
        SITES.clear()
        shutil.rmtree(folder, ignore_errors=True)


def live(examples: int, steps: int, *, shrink: bool = True, random: bool = False) -> None:
    """Run the state machine; the same examples each time unless `random`, so that a red run can be repeated."""
    with shared_site():
        run_state_machine_as_test(
            WholeLife,
            settings=settings(
                max_examples=examples,
                derandomize=not random,
                stateful_step_count=steps,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
                phases=PHASES if shrink else PHASES[:-1],
            ),
        )


def _parts() -> list[object]:
    # Each on its own site, so that two processes share the work and no database grows without end.
    count = max(1, int(os.environ.get("LIFE_EXAMPLES", "5000")) // EXAMPLES_OF_A_PART)
    return [pytest.param(n, marks=pytest.mark.xdist_group(f"life {n}")) for n in range(count)]


@pytest.mark.timeout(900)
def test_whatever_happens_it_ends_right() -> None:
    live(300, 40)


@pytest.mark.timeout(300)
def test_without_the_look_up_before_a_repeat_names_are_submitted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ScrumAlliance, "look_up", lambda self, reference: None)
    with pytest.raises((AssertionError, ExceptionGroup), match=r"submi|failures"):
        live(200, 40, shrink=False)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", _parts())
def test_whatever_happens_it_ends_right_for_long(part: object) -> None:
    live(EXAMPLES_OF_A_PART, 40, random=True)
