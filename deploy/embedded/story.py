"""The main job as a story over HTTP: a student books and pays, the trainer completes, the membership is activated."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import requests

from deploy.embedded.browser import Browser
from deploy.embedded.events import EventWatcher
from deploy.embedded.plan import Plan
from shared.clock import OffsetClock

TRAINER = ("trainer@example.com", "rostrum-sandbox")
STUDENT = {"given_name": "Grace", "family_name": "Hopper", "email": "grace@example.com"}
CARD = "4242424242424242"


class StoryFailed(Exception):
    """What did not happen, in one sentence."""


class Story:
    """Runs against an open site. `say` prints a line."""

    PATIENCE = 60.0

    def __init__(self, plan: Plan, *, say: Callable[[str], None], began: float | None = None) -> None:
        self._plan = plan
        self._say = say
        self._began = time.monotonic() if began is None else began
        self._student = Browser()
        self._watcher: EventWatcher | None = None
        self._rows: list[tuple[str, str]] = []
        self.booking_url = ""
        self.enrollment_ids: list[str] = []

    def wait_until_open(self) -> None:
        """Return when the site and the sandboxes answer."""
        for url in (
            f"{self._plan.site_url}/workshops",
            self._plan.stripe_url,
            self._plan.scrum_alliance_url,
            self._plan.mailbox_url,
        ):
            self._until(f"{url} answers", partial(_answers, url))

    def run(self) -> None:
        """The whole story; raises `StoryFailed`."""
        self._watcher = EventWatcher({name: self._plan.database(name) for name in self._plan.services})
        try:
            self.wait_until_open()
            self._step("the site is open", self._plan.site_url)
            workshop = self._choose()
            self._book(workshop["workshop_id"])
            self._pay()
            self._wait_for_booking("Your booking is confirmed")
            self._step("payment confirmed, seat kept", self._reference())
            self._finish(workshop)
            self._activate()
            self._conclude()
        except (LookupError, TypeError, ValueError, requests.RequestException) as error:
            raise StoryFailed(f"{type(error).__name__}: {error}") from error
        finally:
            self._watcher.close()

    def _choose(self) -> dict[str, str]:
        answer = requests.get(f"{self._plan.site_url}/enrollment/api/workshops", timeout=30)
        answer.raise_for_status()
        open_ones = [
            w for w in answer.json()["workshops"] if w["seats_left"] > 0 and w["course_code"] == "CSPO"
        ]
        if not open_ones:
            raise StoryFailed("the catalogue offers no CSPO workshop with a free seat")
        chosen: dict[str, str] = min(open_ones, key=lambda w: w["starts_at"])
        self._student.open(f"{self._plan.site_url}/workshops").open(f"/workshops/{chosen['workshop_id']}")
        self._step("student chooses a workshop", chosen["title"])
        return chosen

    def _book(self, workshop_id: str) -> None:
        student = self._student.open(f"/workshops/{workshop_id}/book?seats=1")
        answers = {"payer_name": "Grace Hopper", "payer_email": STUDENT["email"]}
        answers |= {f"attendees-0-{name}": value for name, value in STUDENT.items()}
        student.submit(answers, press=("step", "check"), having="payer_name")
        if "Check your answers" not in student.text:
            raise StoryFailed(f"the details were not accepted: {student.text[:300]}")
        student.submit({}, press=("step", "confirm"), having="submission_id")
        if not student.url.startswith(self._plan.stripe_url):
            raise StoryFailed(
                f"booking did not lead to the payment page but to {student.url}: {student.text[:300]}"
            )
        self._step("student books and reaches the payment page", "seat held")

    def _pay(self) -> None:
        card = {"card_number": CARD, "card_expiry": "12/34", "card_cvc": "123", "name": "Grace Hopper"}
        self._student.submit(card, having="card_number")
        if not self._student.url.startswith(self._plan.site_url):
            raise StoryFailed(f"paying did not lead back to us: {self._student.text[:300]}")
        self._step("student pays in the Stripe sandbox", f"card {CARD[:4]} … {CARD[-4:]}")
        self._student.follow("booking")
        self.booking_url = self._student.url

    def _wait_for_booking(self, words: str) -> None:
        self._until(
            f"the booking page says “{words}”", lambda: words in self._student.open(self.booking_url).text
        )

    def _reference(self) -> str:
        found = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", self._student.text)
        return found.group() if found else ""

    def _finish(self, workshop: dict[str, str]) -> None:
        clock = OffsetClock(self._plan.clock_file)
        over = datetime.fromisoformat(workshop["ends_at"]) + timedelta(minutes=1)
        if over > clock.now():
            clock.advance(over - clock.now())
        self._step("the workshop takes place", f"the clock now says {clock.now():%d %b %Y, %H:%M} UTC")
        trainer = Browser().open(f"{self._plan.site_url}/staff/login?next=/trainer")
        trainer.submit({"email": TRAINER[0], "password": TRAINER[1]}, having="password")
        trainer.open(f"{self._plan.site_url}/trainer/workshops/{workshop['workshop_id']}")
        trainer.submit({}, press=("step", "everyone"), having="step")
        form = trainer.form("step")
        people = {name.split("-", 1)[1][:36] for name in form.fields if name.startswith("minutes-")}
        if not people:
            raise StoryFailed(f"nobody is on the roster: {trainer.text[:300]}")
        decisions = {
            f"{subject}-{person}": "yes"
            for person in people
            for subject in ("participation", "understanding")
        }
        trainer.submit(decisions, press=("step", "complete"), having="step")
        if "names are released" not in trainer.text:
            raise StoryFailed(f"the workshop was not completed: {trainer.text[:500]}")
        self.enrollment_ids = sorted(people)
        self._step("trainer marks everyone present, decides, completes", f"{len(people)} attendee(s)")

    def _activate(self) -> None:
        found: list[str] = []

        def mail_is_there() -> bool:
            answer = requests.get(
                f"{self._plan.mailbox_url}/_sandbox/messages", params={"to": STUDENT["email"]}, timeout=30
            )
            text = answer.text
            links = re.findall(rf"{re.escape(self._plan.scrum_alliance_url)}/activate/[\w.~-]+", text)
            found.extend(links)
            return bool(links)

        self._until("the activation e-mail of the Scrum Alliance arrives", mail_is_there)
        self._step("the Scrum Alliance accepts the name and writes to the student", STUDENT["email"])
        browser = Browser().open(found[0])
        browser.submit({})
        self._step("student accepts the licence", "")
        self._wait_for_booking("Your Scrum Alliance membership is active")
        self._step("membership activated", "")

    def _conclude(self) -> None:
        counters = requests.get(f"{self._plan.scrum_alliance_url}/_sandbox/counters", timeout=30).json()
        self._tell_events()
        assert self._watcher is not None
        self._until("every message is handled", lambda: not any(self._unhandled().values()))
        accepted = counters.get("accepted", counters)
        self._say("")
        self._say("Result")
        for label, value in (
            ("booking", self._reference()),
            (
                "submissions the Scrum Alliance accepted",
                str(sum(accepted.values()) if isinstance(accepted, dict) else accepted),
            ),
            ("messages not handled", "0"),
            ("time", f"{time.monotonic() - self._began:.1f} s"),
        ):
            self._say(f"  {label:42} {value}")

    def _unhandled(self) -> dict[str, int]:
        assert self._watcher is not None
        return self._watcher.unhandled()

    def _step(self, what: str, detail: str) -> None:
        self._tell_events()
        self._say(f"{time.monotonic() - self._began:6.1f} s  {what}{f': {detail}' if detail else ''}")

    def _tell_events(self) -> None:
        for saying in self._watcher.new() if self._watcher else ():
            self._say(f"            {saying.service:13} {saying.type}")

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.PATIENCE
        while True:
            try:
                if holds():
                    return
            except (requests.RequestException, LookupError):
                pass
            if time.monotonic() > deadline:
                raise StoryFailed(f"waited {self.PATIENCE:.0f} s, but not yet: {what}")
            time.sleep(0.1)


def _answers(url: str) -> bool:
    return requests.get(url, timeout=5).status_code < 500
