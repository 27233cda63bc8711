"""What people do: a student books and pays, a trainer completes, a student accepts the licence."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from deploy.embedded.story import CARD, TRAINER
from tests.chaos.options import Options
from tests.chaos.people import AnswerLost, GaveUp, Notes, Visitor
from tests.chaos.site import ChaosSite

_NAMESPACE = UUID("3d0f7f5e-6f0c-5a57-9d3b-0d1f7c1a5e21")
_WAIT = 0.4
_GIVEN = ("Ada", "Grace", "Edsger", "Barbara", "Zoë", "李", "Søren", "Nguyễn")
_FAMILY = ("Lovelace", "Hopper", "Dijkstra", "Liskov", "O'Hara", "Núñez", "Hoare", "van Rossum")


@dataclass(kw_only=True)
class Party:
    """One booking that somebody means to make, and what they saw of it."""

    number: int
    wave: int
    seats: int
    by_form: bool
    pays: bool
    comes_back: bool
    given_name: str
    family_name: str
    booking_id: UUID | None = None
    pay_url: str = ""
    paid: bool = False
    gave_up: str = ""
    troubles: int = 0

    @property
    def payer_email(self) -> str:
        """Nobody else's."""
        return f"payer-{self.number}@example.com"

    def attendee_email(self, seat: int) -> str:
        """Nobody else's."""
        return f"attendee-{self.number}-{seat}@example.com"


def parties(options: Options) -> list[Party]:
    """Who books, all of it following from the seed: `bookings` that pay, and some that turn round."""
    rng = random.Random(f"people {options.seed}")
    found: list[Party] = []
    paying = 0
    while paying < options.bookings:
        pays = rng.random() >= options.turn_round
        found.append(
            Party(
                number=len(found),
                wave=paying // options.wave,
                seats=2 if rng.random() < 0.15 else 1,
                by_form=rng.random() < 0.25,
                pays=pays,
                comes_back=rng.random() < 0.7,
                given_name=rng.choice(_GIVEN),
                family_name=rng.choice(_FAMILY),
            )
        )
        paying += pays
    return found


@dataclass
class Journeys:
    """The people of one run. Each method is one person's way, to its end or to the end of their patience."""

    site: ChaosSite
    options: Options
    notes: Notes = field(default_factory=Notes)

    def visitor(self) -> Visitor:
        """A new browser."""
        return Visitor(self.site, self.notes, self.options.patience)

    def book_and_pay(self, party: Party, workshop_id: UUID) -> None:
        """From the catalogue to the page that says thank you."""
        visitor = self.visitor()
        try:
            if party.by_form:
                self._book_by_form(party, workshop_id, visitor)
            else:
                self._book_by_api(party, workshop_id, visitor)
            self._reach_stripe(party, visitor)
            if party.pays:
                self._pay(party, visitor)
        except (GaveUp, LookupError) as end:
            party.gave_up = str(end)
        finally:
            party.troubles += visitor.troubles

    def _book_by_api(self, party: Party, workshop_id: UUID, visitor: Visitor) -> None:
        attendees = [
            {
                "given_name": party.given_name,
                "family_name": party.family_name,
                "email": party.attendee_email(n),
            }
            for n in range(party.seats)
        ]
        body = {
            "workshop_id": str(workshop_id),
            "payer_name": f"{party.given_name} {party.family_name}",
            "payer_email": party.payer_email,
            "attendees": attendees,
        }
        key = str(uuid5(_NAMESPACE, f"{self.options.seed} {party.number}"))
        url = f"{self.site.plan.site_url}/enrollment/api/bookings"
        answer = visitor.call("POST", url, json=body, headers={"Idempotency-Key": key})
        if answer.status_code != 201:
            raise GaveUp(f"the booking was answered with {answer.status_code}: {answer.text[:200]}")
        placed = answer.json()
        party.booking_id, party.pay_url = UUID(placed["booking_id"]), placed["pay_url"]

    def _book_by_form(self, party: Party, workshop_id: UUID, visitor: Visitor) -> None:
        answers = {
            "payer_name": f"{party.given_name} {party.family_name}",
            "payer_email": party.payer_email,
        }
        for n in range(party.seats):
            answers |= {
                f"attendees-{n}-given_name": party.given_name,
                f"attendees-{n}-family_name": party.family_name,
                f"attendees-{n}-email": party.attendee_email(n),
            }
        visitor.open(f"{self.site.plan.site_url}/workshops/{workshop_id}/book?seats={party.seats}")
        visitor.submit(answers, press=("step", "check"), having="payer_name")
        visitor.submit({}, press=("step", "confirm"), having="submission_id", follow=False)
        party.pay_url = visitor.leads_to
        if "/pay/" not in party.pay_url:
            raise GaveUp(f"the form was answered with: {visitor.text[:200]}")

    def _reach_stripe(self, party: Party, visitor: Visitor) -> None:
        """The pay link leads to Stripe once payment has heard of the booking: until then it says “one moment”."""

        def is_there() -> bool:
            visitor.open(party.pay_url)
            return visitor.url.startswith(self.site.plan.stripe_url)

        self._until(is_there, lambda: f"the pay link says {visitor.status}: {visitor.text[:150]}")

    def _pay(self, party: Party, visitor: Visitor) -> None:
        page = visitor.url
        card = {
            "card_number": CARD,
            "card_expiry": "12/34",
            "card_cvc": "123",
            "name": f"{party.given_name} {party.family_name}",
        }
        while "card_number" in visitor.all_fields():
            try:
                visitor.submit(card, having="card_number", follow=False)
                break
            except AnswerLost:
                # Whoever does not know whether they have paid looks before they pay again.
                visitor.open(page)
        onward = visitor.leads_to or visitor.link_to(self.site.plan.site_url)
        if "/pay/return/" not in onward:
            raise GaveUp(f"Stripe's page says {visitor.status}: {visitor.text[:150]}")
        party.paid = True
        if party.comes_back:
            visitor.open(onward)

    def gather(self, workshop_id: UUID, people: int, trainer: Visitor) -> str:
        """The trainer waits for everyone expected; says who did not come, or nothing."""
        roster = f"{self.site.plan.site_url}/trainer/workshops/{workshop_id}"
        seen: set[str] = set()

        def all_there() -> bool:
            trainer.open(roster)
            if "/staff/login" in trainer.url:
                trainer.submit({"email": TRAINER[0], "password": TRAINER[1]}, having="password")
                trainer.open(roster)
            seen.update(_people(trainer))
            return len(seen) >= people

        try:
            self._until(all_there, lambda: f"{len(seen)} of {people} people are on the roster")
        except GaveUp as end:
            return str(end)
        return ""

    def release(self, workshop_id: UUID, trainer: Visitor) -> None:
        """Everyone present, two decisions each, complete: again from the page as it is, until it is done."""
        roster = f"{self.site.plan.site_url}/trainer/workshops/{workshop_id}"

        def is_completed() -> bool:
            trainer.open(roster)
            if _people(trainer):
                trainer.submit({}, press=("step", "everyone"), having="step")
                decisions = {
                    f"{subject}-{person}": "yes"
                    for person in _people(trainer)
                    for subject in ("participation", "understanding")
                }
                trainer.submit(decisions, press=("step", "complete"), having="step")
            answer = trainer.call("GET", f"{self.site.plan.site_url}/enrollment/api/workshops/{workshop_id}")
            return bool(answer.json().get("state") == "completed")

        self._until(is_completed, lambda: f"the workshop is not completed: {trainer.text[:200]}")

    def accept_licence(self, reference: str) -> None:
        """The student waits for the Scrum Alliance's letter, follows it and accepts."""
        visitor = self.visitor()
        found: list[str] = []

        def letter_is_there() -> bool:
            url = f"{self.site.plan.scrum_alliance_url}/_sandbox/members?reference={reference}"
            found.extend(member["activation_url"] for member in visitor.call("GET", url).json()["members"])
            return bool(found)

        self._until(letter_is_there, lambda: f"the Scrum Alliance never heard of {reference}")
        while True:
            try:
                visitor.open(found[0]).submit({})
                return
            except AnswerLost:
                continue
            except LookupError:
                # The page has no button any more: it was accepted when the answer was lost.
                return

    def _until(self, holds: Callable[[], bool], complaint: Callable[[], str]) -> None:
        deadline = time.monotonic() + self.options.patience
        while not self._now(holds):
            if time.monotonic() > deadline:
                raise GaveUp(complaint())
            time.sleep(_WAIT)

    @staticmethod
    def _now(holds: Callable[[], bool]) -> bool:
        try:
            return holds()
        except AnswerLost:
            # Whoever looks again sees what became of it.
            return False


def _people(trainer: Visitor) -> set[str]:
    """The enrollment ids on the roster that is shown, while it can be changed."""
    return {name.split("-", 1)[1][:36] for name in trainer.all_fields() if name.startswith("minutes-")}
