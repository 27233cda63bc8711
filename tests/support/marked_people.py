"""Marked people go through everything that a site does with people: what is left of them shows what is kept.

Each value of theirs begins with the mark, whoever types it and wherever. The site may be processes or this one.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import requests
import stripe

from deploy.embedded.browser import Browser

MARK = "zqx7"
PASSWORD = "rostrum-sandbox"
PAYER = {"payer_name": f"{MARK} Payer", "payer_email": f"{MARK}.payer@example.com"}
MOVED = f"{MARK}.moved@example.com"
SECONDS = 60.0

_CARD = {"card_expiry": "12/34", "card_cvc": "123", "name": f"{MARK} Cardholder"}
_GOOD_CARD, _DECLINED_CARD = "4242424242424242", "4000000000000002"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a site is, and how to make it go on: `settle` lets what is due happen, as far as it can."""

    site_url: str
    stripe_url: str
    scrum_alliance_url: str
    webhook_secret: str
    advance: Callable[[timedelta], None]
    settle: Callable[[], None]
    now: Callable[[], datetime]

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Let the site go on until it is so."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not yet: {what}"
            self.settle()


def attendee(number: int) -> dict[str, str]:
    """One of the two."""
    names = ("given_name", "family_name")
    addresses = ("email", "registry_email")
    return {
        **{f"attendees-{number}-{name}": f"{MARK} {name} {number}" for name in names},
        **{f"attendees-{number}-{name}": f"{MARK}.{name}.{number}@example.com" for name in addresses},
    }


class MarkedPeople:
    """The whole story of one booking for two, with everything going wrong that may."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._payer = Browser()
        self._enrollments: list[str] = []
        self._booking_url = ""
        self.shown_to_ops = ""

    def go(self) -> None:
        """From the catalogue to the membership and the refund."""
        found = requests.get(f"{self._place.site_url}/enrollment/api/workshops", timeout=30).json()[
            "workshops"
        ]
        workshop = min((w for w in found if w["course_code"] == "CSPO"), key=lambda w: str(w["starts_at"]))
        self._knock()
        self._book(workshop["workshop_id"])
        self._pay()
        self._search()
        self._send_nonsense()
        over = datetime.fromisoformat(workshop["ends_at"]) + timedelta(minutes=1)
        self._place.advance(over - self._place.now())
        self._complete(workshop["workshop_id"])
        self._submit()
        self._activate()
        self._refund()

    def _knock(self) -> None:
        # At every door that takes something typed, and refuses it.
        browser = Browser().open(f"{self._place.site_url}/staff/login")
        browser.submit(
            {"email": f"{MARK}.staff@example.com", "password": f"{MARK} password"}, having="password"
        )
        assert browser.status == 422
        answer = requests.post(
            f"{self._place.site_url}/enrollment/api/bookings",
            # Keys are chosen by callers: who knows what stands in them.
            headers={"Idempotency-Key": f"{MARK}@example.com"},
            json={"payer_name": f"{MARK}\n", "payer_email": f"{MARK}@", "attendees": [{"email": f"{MARK}"}]},
            timeout=30,
        )
        assert answer.status_code == 422
        requests.get(f"{self._place.site_url}/bookings/{MARK}.payer@example.com?q={MARK}", timeout=30)

    def _book(self, workshop_id: str) -> None:
        payer = self._payer.open(f"{self._place.site_url}/workshops/{workshop_id}/book?seats=2")
        answers = {**PAYER, **attendee(0), **attendee(1)}
        wrong = {**answers, "payer_email": f"{MARK}.payer"}
        payer.submit(wrong, press=("step", "check"), having="payer_name")
        assert payer.status == 422
        payer.submit(answers, press=("step", "check"), having="payer_name")
        assert "Check your answers" in payer.text, payer.text
        payer.submit({}, press=("step", "confirm"), having="submission_id")
        pay_url = payer.url
        self._place.until(
            "the payment page opens",
            lambda: payer.url.startswith(self._place.stripe_url) or payer.open(pay_url).status == 0,
        )

    def _pay(self) -> None:
        self._payer.submit({**_CARD, "card_number": _DECLINED_CARD}, having="card_number")
        self._payer.submit({**_CARD, "card_number": _GOOD_CARD}, having="card_number")
        assert self._payer.url.startswith(self._place.site_url), self._payer.text
        self._payer.follow("booking")
        self._booking_url = self._payer.url
        self._wait_for("Your booking is confirmed")

    def _wait_for(self, words: str) -> None:
        self._place.until(words, lambda: words in self._payer.open(self._booking_url).text)

    def _staff(self, role: str, path: str) -> Browser:
        browser = Browser().open(f"{self._place.site_url}/staff/login?next={path}")
        browser.submit({"email": f"{role}@example.com", "password": PASSWORD}, having="password")
        assert browser.status == 200, browser.text
        return browser

    def _search(self) -> None:
        finance = self._staff("finance", "/finance")
        for path in (f"/finance?q={MARK}.payer@example.com", f"/finance/bookings.csv?q={MARK}"):
            assert MARK in finance.open(path).text
        ops = self._staff("ops", "/certificates/activations")
        assert MARK in ops.open(f"/certificates/activations?q={MARK}+given_name").text
        for service in ("enrollment", "payment", "certification"):
            ops.open(f"/{service}/ops/messages?q={MARK}")

    def _send_nonsense(self) -> None:
        # Money for a payable that nobody knows: dead, and given up by hand.
        event_id = f"evt_{uuid4().hex}"
        strange = {"payable_id": str(uuid4()), "booking_id": str(uuid4()), "attempt": "1"}
        event = {
            "id": event_id,
            "type": "charge.succeeded",
            "created": int(time.time()),
            "data": {"object": self._charge() | {"metadata": strange, "payment_intent": f"pi_{uuid4().hex}"}},
        }
        body = json.dumps(event)
        assert MARK in body
        signature = stripe.WebhookSignature.generate_signature_header(body, self._place.webhook_secret)
        answer = requests.post(
            f"{self._place.site_url}/webhooks/stripe",
            data=body,
            headers={"Stripe-Signature": signature, "Content-Type": "application/json"},
            timeout=30,
        )
        assert answer.status_code == 200
        path = f"/payment/ops/messages/stripe/{event_id}"
        ops = self._staff("ops", path)
        self._place.until("it is dead", lambda: "is known here" in ops.open(path).text)
        self.shown_to_ops = ops.text
        ops.submit({"reason": f"{MARK} asked us to"}, having="reason")
        assert ops.status == 200, ops.text

    def _charge(self) -> dict[str, Any]:
        state = requests.get(f"{self._place.stripe_url}/_sandbox/state", timeout=30).json()
        found: dict[str, Any] = next(item for item in state["charge"] if item["status"] == "succeeded")
        return found

    def _complete(self, workshop_id: str) -> None:
        trainer = self._staff("trainer", "/trainer")
        trainer.open(f"/trainer/workshops/{workshop_id}")
        trainer.submit({}, press=("step", "everyone"), having="step")
        fields = trainer.form("step").fields
        people = {name.split("-", 1)[1][:36] for name in fields if name.startswith("minutes-")}
        self._enrollments = sorted(people)
        said: dict[str, str] = {}
        for person in people:
            for subject in ("participation", "understanding"):
                said |= {f"{subject}-{person}": "yes", f"{subject}_note-{person}": f"{MARK} was {subject}"}
        # Somebody's account is unknown there, and the first calls find nobody at home.
        self._misbehave(behaviour="unknown_email", email=f"{MARK}.registry_email.1@example.com")
        self._misbehave(behaviour="server_error", times=2)
        trainer.submit(said, press=("step", "complete"), having="step")
        assert "names are released" in trainer.text, trainer.text

    def _misbehave(self, **wish: Any) -> None:
        url = f"{self._place.scrum_alliance_url}/_sandbox/behaviour"
        assert requests.post(url, json=wish, timeout=30).ok

    def _submit(self) -> None:
        listed = "/certificates/activations?state=refused"
        ops = self._staff("ops", listed)
        self._place.until("one name is refused", lambda: f"{MARK} given_name 1" in ops.open(listed).text)
        ops.follow(f"{MARK} given_name 1")
        ops.submit({"registry_email": MOVED, "reason": f"{MARK} wrote to us"}, having="registry_email")
        self._place.until("both are submitted", lambda: len(self._members()) == 2)

    def _members(self) -> list[dict[str, Any]]:
        url = f"{self._place.scrum_alliance_url}/_sandbox/members"
        members: list[dict[str, Any]] = requests.get(url, timeout=30).json()["members"]
        return members

    def _activate(self) -> None:
        for member in self._members():
            Browser().open(member["activation_url"]).submit({})
        words = "Your Scrum Alliance membership is active"
        self._place.until(
            "both are active", lambda: self._payer.open(self._booking_url).text.count(words) == 2
        )

    def _refund(self) -> None:
        url = f"{self._place.stripe_url}/_sandbox/refund"
        assert requests.post(url, json={"charge": self._charge()["id"]}, timeout=30).ok
        ops = self._staff("ops", "/certificates/activations?state=flagged")
        self._place.until(
            "both are on hold",
            lambda: ops.open("/certificates/activations?state=flagged").text.count(f"{MARK} given_name") == 2,
        )
