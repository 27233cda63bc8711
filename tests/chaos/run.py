"""One run: people book, pay, complete and activate while the killer is about; then everything settles and is judged."""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from deploy.embedded.story import TRAINER
from services.certification.domain.activation import activation_id_of
from services.certification.domain.submission import reference_of
from services.enrollment import handlers, repository
from services.enrollment.app import build
from services.enrollment.commands import BlockPlan, CreateWorkshop, PublishWorkshop
from services.enrollment.domain import Delivery
from services.enrollment.settings import Settings
from shared.config import load_settings
from tests.chaos.checker import Verdict, check
from tests.chaos.journeys import Journeys, Party, parties
from tests.chaos.killer import Killer
from tests.chaos.options import Options
from tests.chaos.people import GaveUp
from tests.chaos.site import ChaosSite, until
from tests.chaos.truth import Truth, open_messages, read_truth, seats_of_workshop, webhooks_due

_FIRST = timedelta(hours=2)
_LENGTH = timedelta(hours=14, minutes=30)
_APART = timedelta(hours=17)
_PAST_EVERY_HOLD = timedelta(days=9)
_SIGKILLED = 9
_MOST_SECONDS_OF_WEBHOOKS = 1800.0


@dataclass(kw_only=True)
class Workshop:
    """One wave's workshop."""

    workshop_id: UUID
    ends_at: datetime


@dataclass(kw_only=True)
class Result:
    """What a run did."""

    options: Options
    verdict: Verdict
    killer: Killer
    journeys: Journeys
    truth: Truth
    ends: list[str]
    seconds: dict[str, float]
    complaints: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """As JSON."""
        verdict, notes = self.verdict, self.journeys.notes
        return {
            "holds": verdict.holds,
            **verdict.counts(),
            "recovered_bookings": verdict.recovered_bookings,
            "recovered_messages": verdict.recovered_messages,
            "options": self.options.told(),
            "kills": sum(self.killer.kills.values()),
            "kills_by_target": dict(sorted(self.killer.kills.items())),
            "outages": self.killer.outages,
            "messages": len(self.truth.messages),
            "bookings": len(self.truth.bookings),
            "memberships": sum(seat.activation == "activated" for seat in self.truth.seats),
            "answers": dict(sorted(notes.answers.items())),
            "requests_sent_again": dict(sorted(notes.repeats.items())),
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "python": platform.python_version(),
            "moments_of_kills": [[round(at, 2), program] for at, program in self.killer.moments],
            "examples": {word: getattr(verdict, word)[:30] for word in ("lost", "duplicated", "unexpected")},
        }


class Run:
    """Drives the people and the killer on an open site."""

    def __init__(self, site: ChaosSite, options: Options, say: Callable[[str], None]) -> None:
        self._site = site
        self._options = options
        self._say = say
        self._journeys = Journeys(site, options)
        self._parties = parties(options)
        self._workshops: list[Workshop] = []
        self._done = 0
        self._steps = 1
        self._problems: list[str] = []
        self._lost: list[str] = []

    def run(self) -> Result:
        """Everything, and the verdict."""
        waves = self._parties[-1].wave + 1
        self._steps = len(self._parties) + sum(party.seats for party in self._parties if party.pays)
        self._workshops = self._plan(waves)
        killer = Killer(self._site, self._options, lambda: self._done / self._steps)
        began = time.monotonic()
        killer.start()
        try:
            self._let_people_come(waves)
        finally:
            killer.stop()
        busy = time.monotonic()
        self._settle()
        settled = time.monotonic()
        truth = read_truth(self._site)
        ends = self._strange_ends()
        strange = [*self._journeys.notes.strange, *killer.problems, *ends, *self._problems]
        verdict = check(self._parties, truth, strange=strange)
        verdict.lost += self._lost
        return Result(
            options=self._options,
            verdict=verdict,
            killer=killer,
            journeys=self._journeys,
            truth=truth,
            ends=ends,
            seconds={
                "people": busy - began,
                "settling": settled - busy,
                "checking": time.monotonic() - settled,
            },
        )

    def _let_people_come(self, waves: int) -> None:
        trainer = self._journeys.visitor()
        with (
            ThreadPoolExecutor(self._options.clients, "student") as students,
            ThreadPoolExecutor(max(2, self._options.clients // 2), "member") as members,
        ):
            try:
                self._let_waves_come(waves, trainer, students, members)
            except BaseException:
                # Whoever is told to stop does not wait for twenty thousand people.
                students.shutdown(wait=False, cancel_futures=True)
                members.shutdown(wait=False, cancel_futures=True)
                raise

    def _let_waves_come(
        self, waves: int, trainer: Any, students: ThreadPoolExecutor, members: ThreadPoolExecutor
    ) -> None:
        coming = {wave: self._book(students, wave) for wave in range(min(2, waves))}
        accepting: list[Future[None]] = []
        for wave in range(waves):
            for future in coming.pop(wave):
                future.result()
            accepting += self._close(wave, trainer, members)
            # A payment page stays open for a day: it must not see two workshops go by.
            if wave + 2 < waves:
                coming[wave + 2] = self._book(students, wave + 2)
        for future in accepting:
            future.result()

    def _book(self, students: ThreadPoolExecutor, wave: int) -> list[Future[None]]:
        workshop = self._workshops[wave]

        def come(party: Party) -> None:
            self._journeys.book_and_pay(party, workshop.workshop_id)
            self._done += 1

        return [students.submit(come, party) for party in self._parties if party.wave == wave]

    def _close(self, wave: int, trainer: Any, members: ThreadPoolExecutor) -> list[Future[None]]:
        """The workshop takes place, its trainer completes it, its people accept their memberships."""
        workshop = self._workshops[wave]
        people = sum(party.seats for party in self._parties if party.wave == wave and party.paid)
        if problem := self._journeys.gather(workshop.workshop_id, people, trainer):
            self._lost.append(f"workshop {wave}: {problem}")
        self._site.be_after(workshop.ends_at)
        try:
            self._journeys.release(workshop.workshop_id, trainer)
        except GaveUp as end:
            self._lost.append(f"workshop {wave}: {end}")
            return []
        seats = self._insist(lambda: seats_of_workshop(self._site, workshop.workshop_id))
        self._say(f"workshop {wave}: {len(seats)} people, completed; {self._done} of {self._steps} steps")

        def accept(enrollment_id: UUID) -> None:
            try:
                self._journeys.accept_licence(reference_of(activation_id_of(enrollment_id), 1))
            except GaveUp as end:
                self._lost.append(str(end))
            self._done += 1

        return [members.submit(accept, seat) for seat in seats]

    def _settle(self) -> None:
        """Nobody is killed any more: holds of those who turned round end, and every message comes to its end."""
        self._wait_for_stripe()
        self._wait_for_the_end("while the site was calm again")
        self._site.clock.advance(_PAST_EVERY_HOLD)
        # The timers that end holds look every two seconds, and what they say has to be carried.
        time.sleep(3)
        self._wait_for_stripe()
        self._wait_for_the_end("after the last holds had ended")

    def _wait_for_stripe(self) -> None:
        """Its stand-in sends one webhook after the other, and is behind after many bookings: no fault of ours."""
        if not until(lambda: webhooks_due(self._site) == 0, _MOST_SECONDS_OF_WEBHOOKS, pause=1.0):
            self._problems.append("Stripe's stand-in did not get all its webhooks delivered")

    def _wait_for_the_end(self, when: str) -> None:
        calm = 0

        def calm_for_a_while() -> bool:
            nonlocal calm
            calm = calm + 1 if self._insist(lambda: open_messages(self._site)) == 0 else 0
            return calm >= 5

        if not until(calm_for_a_while, self._options.patience, pause=0.5):
            self._problems.append(f"messages were left {when}")

    def _insist(self, look: Callable[[], Any]) -> Any:
        """Look into a database that may be away just now."""
        deadline = time.monotonic() + self._options.patience
        while True:
            try:
                return look()
            except DBAPIError:
                if time.monotonic() > deadline:
                    raise
                for engine in self._site.engines.values():
                    engine.dispose()
                time.sleep(0.3)

    def _strange_ends(self) -> list[str]:
        return [
            f"{name} ended by itself, with status {status}"
            for name, status in self._site.armory.ends()
            if status & 0x7F != _SIGKILLED
        ]

    def _plan(self, waves: int) -> list[Workshop]:
        """One workshop for each wave, one after the other, with room for everybody."""
        service = build(load_settings(Settings, self._site.plan.environment("enrollment")))
        found = []
        try:
            with service.transactions.begin() as tx:
                trainer = repository.staff_by_email(tx.session, TRAINER[0])
                assert trainer is not None
                for wave in range(waves):
                    starts_at = tx.now().replace(microsecond=0) + _FIRST + wave * _APART
                    workshop = handlers.create_workshop(
                        _workshop(wave, starts_at, self._capacity(wave), trainer), tx
                    )
                    handlers.publish_workshop(PublishWorkshop(workshop_id=workshop.workshop_id), tx)
                    found.append(Workshop(workshop_id=workshop.workshop_id, ends_at=starts_at + _LENGTH))
        finally:
            service.engine.dispose()
        return found

    def _capacity(self, wave: int) -> int:
        return sum(party.seats for party in self._parties if party.wave == wave)


def _workshop(wave: int, starts_at: datetime, capacity: int, trainer: Any) -> CreateWorkshop:
    return CreateWorkshop(
        course_code="CSPO",
        title=f"Certified Scrum Product Owner, number {wave}",
        delivery=Delivery.ONLINE,
        join_link="https://meet.example.com/chaos",
        time_zone="Europe/Berlin",
        blocks=(BlockPlan(starts_at=starts_at, ends_at=starts_at + _LENGTH, break_minutes=30),),
        capacity=capacity,
        price_minor=99_000,
        currency="EUR",
        trainer_id=trainer.staff_id,
    )


def say_on_terminal(line: str) -> None:
    """One line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def shown(result: Result) -> Sequence[str]:
    """The report for a terminal."""
    report = result.report()
    words = ("lost", "duplicated", "unexpected", "recovered")
    return [
        f"seed {result.options.seed}: {report['bookings']} bookings, {report['memberships']} memberships,"
        f" {report['messages']} messages with a reader each, in {report['seconds']['people']:.0f} s",
        f"{report['kills']} processes killed; {', '.join(report['outages']) or 'no server'}",
        ", ".join(f"{word} {report[word]}" for word in words),
        *(f"  {word}: {entry}" for word in words[:3] for entry in report["examples"][word][:10]),
    ]
