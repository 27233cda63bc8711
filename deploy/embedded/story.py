"""The main job as a story over HTTP: a student books and pays, the trainer completes, the membership is activated."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import requests

from deploy.embedded.browser import Browser
from deploy.embedded.events import EventWatcher
from deploy.embedded.plan import Plan
from shared.clock import OffsetClock

TRAINER = ("trainer@example.com", "rostrum-sandbox")
CARD = "4242424242424242"
SHORT_OF = 300
"""Characters of a page that is quoted in a complaint."""


class StoryFailed(Exception):
    """What did not happen, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Student:
    """Who books, and attends."""

    given_name: str = "Grace"
    family_name: str = "Hopper"
    email: str = "grace@example.com"

    @property
    def name(self) -> str:
        """As on the card."""
        return f"{self.given_name} {self.family_name}"


class Story:
    """Runs against an open site. `say` prints a line; `before` hears of each step before it is taken.

    The steps: book, confirm, pay, return, sign_in, complete, activate, conclude. Without `workshop_id` the
    student takes the next workshop that has no exam; a `trainer` may be signed in already.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        say: Callable[[str], None] = lambda line: None,
        before: Callable[[str], None] = lambda step: None,
        began: float | None = None,
        patience: float = 60.0,
        student: Student = Student(),
        workshop_id: str | None = None,
        trainer: Browser | None = None,
        reload_seconds: float = 0.0,
    ) -> None:
        self._plan = plan
        self._say = say
        self._before = before
        self._began = time.monotonic() if began is None else began
        self.patience = patience
        self._person = student
        self._workshop_id = workshop_id
        self._reload_seconds = reload_seconds
        self._student = self._browser()
        self._trainer = trainer or self._browser()
        self._watcher = EventWatcher({name: plan.database(name) for name in plan.services})
        self._reference = ""
        self._booking_url = ""
        self._session_id = ""

    def run(self) -> None:
        """The whole story; raises `StoryFailed`."""
        try:
            self.wait_until_open()
            self._step("the site is open", self._plan.site_url)
            workshop = self._choose()
            self._book(workshop["workshop_id"])
            self._pay()
            self.finish(workshop)
            self._activate()
            self._conclude()
        except (LookupError, TypeError, ValueError, requests.RequestException) as error:
            raise StoryFailed(f"{type(error).__name__}: {error}") from error
        finally:
            self._watcher.close()

    def wait_until_open(self) -> None:
        """Return when the site and the sandboxes answer."""
        for url in (
            f"{self._plan.site_url}/workshops",
            self._plan.stripe_url,
            self._plan.scrum_alliance_url,
            self._plan.mailbox_url,
        ):
            self._until(f"{url} answers", partial(_answers, url))

    def _choose(self) -> dict[str, str]:
        found: list[dict[str, Any]] = _json(f"{self._plan.site_url}/enrollment/api/workshops")["workshops"]
        if self._workshop_id is None:
            found = [w for w in found if w["seats_left"] > 0 and w["course_code"] == "CSPO"]
        else:
            found = [w for w in found if w["workshop_id"] == self._workshop_id]
        if not found:
            raise StoryFailed("the catalogue offers no CSPO workshop with a free seat")
        chosen: dict[str, str] = min(found, key=lambda w: w["starts_at"])
        self._student.open(f"{self._plan.site_url}/workshops").open(f"/workshops/{chosen['workshop_id']}")
        self._step("student chooses a workshop", chosen["title"])
        return chosen

    def _book(self, workshop_id: str) -> None:
        self._before("book")
        person, student = self._person, self._student.open(f"/workshops/{workshop_id}/book?seats=1")
        answers = {
            "payer_name": person.name,
            "payer_email": person.email,
            "attendees-0-given_name": person.given_name,
            "attendees-0-family_name": person.family_name,
            "attendees-0-email": person.email,
        }
        student.submit(answers, press=("step", "check"), having="payer_name")
        if "Check your answers" not in student.text:
            raise StoryFailed(f"the details were not accepted: {student.text[:SHORT_OF]}")
        self._before("confirm")
        student.submit({}, press=("step", "confirm"), having="submission_id")
        self._until("booking leads to the payment page", self._is_at_stripe)
        found = re.search(r"cs_\w+", student.url)
        self._session_id = found.group() if found else ""
        self._step("student books and reaches the payment page", "seat held")

    def _is_at_stripe(self) -> bool:
        if self._student.url.startswith(self._plan.stripe_url):
            return True
        if "/pay/" not in self._student.url:
            raise StoryFailed(f"the booking was not accepted: {self._student.text[:SHORT_OF]}")
        # The browser outran the messages: the page says “one moment” and loads itself again.
        self._student.open(self._student.url)
        return self._student.url.startswith(self._plan.stripe_url)

    def _pay(self) -> None:
        self._before("pay")
        student = self._student
        card = {"card_number": CARD, "card_expiry": "12/34", "card_cvc": "123", "name": self._person.name}
        student.submit(card, having="card_number", follow=False)
        if not student.leads_to.startswith(self._plan.site_url):
            raise StoryFailed(f"paying did not lead back to us: {student.text[:SHORT_OF]}")
        self._step("student pays in the Stripe sandbox", f"card {CARD[:4]} … {CARD[-4:]}")
        self._before("return")
        student.open(student.leads_to).follow("booking")
        self._booking_url = student.url
        self._wait_for_booking("Your booking is confirmed")
        found = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", student.text)
        self._reference = found.group() if found else ""
        self._step("payment confirmed, seat kept", self._reference)

    def _wait_for_booking(self, words: str) -> None:
        self._until(
            f"the booking page says “{words}”", lambda: words in self._student.open(self._booking_url).text
        )

    def finish(self, workshop: dict[str, str]) -> None:
        """The workshop takes place, and its trainer completes it with everybody who booked."""
        clock = OffsetClock(self._plan.clock_file)
        over = datetime.fromisoformat(workshop["ends_at"]) + timedelta(minutes=1)
        if over > clock.now():
            clock.advance(over - clock.now())
        self._step("the workshop takes place", f"the clock now says {clock.now():%d %b %Y, %H:%M} UTC")
        self._before("sign_in")
        roster = f"{self._plan.site_url}/trainer/workshops/{workshop['workshop_id']}"
        trainer = self._trainer.open(roster)
        if "/staff/login" in trainer.url:
            trainer.submit({"email": TRAINER[0], "password": TRAINER[1]}, having="password")
        if "/staff/login" in trainer.url:
            raise StoryFailed(f"the trainer could not sign in: {trainer.text[:SHORT_OF]}")
        trainer.submit({}, press=("step", "everyone"), having="step")
        fields = trainer.form("step").fields
        people = {name.split("-", 1)[1][:36] for name in fields if name.startswith("minutes-")}
        if not people:
            raise StoryFailed(f"nobody is on the roster: {trainer.text[:SHORT_OF]}")
        subjects = ("participation", "understanding")
        decisions = {f"{subject}-{person}": "yes" for person in people for subject in subjects}
        self._before("complete")
        trainer.submit(decisions, press=("step", "complete"), having="step")
        state = _json(f"{self._plan.site_url}/enrollment/api/workshops/{workshop['workshop_id']}")["state"]
        if state != "completed":
            raise StoryFailed(f"the workshop was not completed: {trainer.text[:SHORT_OF]}")
        self._step("trainer marks everyone present, decides, completes", f"{len(people)} attendee(s)")

    def _activate(self) -> None:
        found: list[str] = []

        def mail_is_there() -> bool:
            address = f"{self._plan.mailbox_url}/_sandbox/messages"
            letters = requests.get(address, params={"to": self._person.email}, timeout=30).text
            links = rf"{re.escape(self._plan.scrum_alliance_url)}/activate/[\w.~-]+"
            found.extend(re.findall(links, letters))
            return bool(found)

        self._until("the activation e-mail of the Scrum Alliance arrives", mail_is_there)
        self._step("the Scrum Alliance accepts the name and writes to the student", self._person.email)
        self._before("activate")
        # The latest letter comes first; the first one that was sent counts.
        self._browser().open(found[-1]).submit({})
        self._step("student accepts the licence", "")
        self._wait_for_booking("Your Scrum Alliance membership is active")
        self._step("membership activated", "")

    def _conclude(self) -> None:
        self._before("conclude")
        self._until("every message is published and handled", lambda: not any(self._open_messages()))
        self._tell_events()
        charges, accepted = self._charges(), self._accepted()
        unpublished, unhandled = self._open_messages()
        self._say("")
        self._say("Result")
        for label, value in (
            ("booking", self._reference),
            ("charges in the Stripe sandbox", str(charges)),
            ("submissions the Scrum Alliance accepted", str(accepted)),
            ("messages not published, not handled", f"{unpublished}, {unhandled}"),
            ("time", f"{time.monotonic() - self._began:.1f} s"),
        ):
            self._say(f"  {label:42} {value}")
        if charges != 1:
            raise StoryFailed(f"the student was charged {charges} times")
        if accepted != 1:
            raise StoryFailed(f"the Scrum Alliance accepted {accepted} submissions of one name")

    def _charges(self) -> int:
        """How often money was taken for this booking, whatever session it came through."""
        state = _json(f"{self._plan.stripe_url}/_sandbox/state")
        payable = next(
            s["client_reference_id"] for s in state["checkout.session"] if s["id"] == self._session_id
        )
        intents = {
            s["payment_intent"] for s in state["checkout.session"] if s["client_reference_id"] == payable
        }
        return sum(c["status"] == "succeeded" and c["payment_intent"] in intents for c in state["charge"])

    def _accepted(self) -> int:
        members = _json(f"{self._plan.scrum_alliance_url}/_sandbox/members")["members"]
        return sum(member["email"] == self._person.email for member in members)

    def _open_messages(self) -> tuple[int, int]:
        return sum(self._watcher.unpublished().values()), sum(self._watcher.unhandled().values())

    def _browser(self) -> Browser:
        return Browser(reload_seconds=self._reload_seconds)

    def _step(self, what: str, detail: str) -> None:
        self._tell_events()
        self._say(f"{time.monotonic() - self._began:6.1f} s  {what}{f': {detail}' if detail else ''}")

    def _tell_events(self) -> None:
        for saying in self._watcher.new():
            self._say(f"            {saying.service:13} {saying.type}")

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                if holds():
                    return
            except (requests.RequestException, LookupError):
                pass
            if time.monotonic() > deadline:
                raise StoryFailed(f"waited {self.patience:.0f} s, but not yet: {what}")
            time.sleep(0.1)


def _answers(url: str) -> bool:
    return requests.get(url, timeout=5).status_code < 500


def _json(url: str) -> Any:
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer.json()
