"""Buyers who book and pay all the time, over HTTP through the site's one door, and count every error they see."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import requests

from deploy.embedded.plan import Plan

MOST_LOOKS = 300
PAUSE_SECONDS = 0.1


@dataclass(kw_only=True)
class Heard:
    """What the buyers were told. An error is an answer of 500 or more, or none at all."""

    requests: int = 0
    errors: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    booked: dict[UUID, str] = field(default_factory=dict)
    """What the site said yes to: booking → the page that leads to its payment."""
    paid: set[UUID] = field(default_factory=set)


class Load:
    """`buyers` threads, each booking one seat after the other and paying for it, until the block is left."""

    def __init__(self, plan: Plan, workshop_id: UUID, *, buyers: int = 2) -> None:
        self.heard = Heard()
        self._plan = plan
        self._workshop_id = workshop_id
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._buy, name=f"buyer-{n}") for n in range(buyers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, bookings: int, seconds: float = 120) -> None:
        """Return when so many more were booked."""
        wanted, deadline = len(self.heard.booked) + bookings, time.monotonic() + seconds
        while len(self.heard.booked) < wanted:
            assert time.monotonic() < deadline, f"nobody can book: {self.heard.errors[-3:]}"
            time.sleep(0.1)

    def _buy(self) -> None:
        while not self._ended.is_set():
            booked = self.book()
            if booked is not None:
                self.pay(*booked)
            self._ended.wait(PAUSE_SECONDS)

    def book(self) -> tuple[UUID, str] | None:
        """Book one seat: the booking and the page that leads to its payment; None where that is refused."""
        email = f"buyer-{uuid.uuid4().hex[:12]}@example.com"
        person = {"given_name": "Grace", "family_name": "Hopper", "email": email}
        order = {
            "workshop_id": str(self._workshop_id),
            "payer_name": "Grace Hopper",
            "payer_email": email,
            "attendees": [person],
        }
        answer = self._ask(
            lambda: requests.post(
                f"{self._plan.site_url}/enrollment/api/bookings",
                json=order,
                headers={"Idempotency-Key": str(uuid.uuid4())},
                timeout=60,
            )
        )
        if answer is None or answer.status_code != requests.codes.created:
            return None
        given: dict[str, Any] = answer.json()
        booking_id, pay_url = UUID(given["booking_id"]), str(given["pay_url"])
        with self._guard:
            self.heard.booked[booking_id] = pay_url
        return booking_id, pay_url

    def pay(self, booking_id: UUID, pay_url: str) -> None:
        """Go to the payment page as soon as the site leads there, and pay."""
        for _ in range(MOST_LOOKS):
            # The link may be faster than the message: then the page says "one moment", and loads itself again.
            answer = self._ask(lambda: requests.get(pay_url, timeout=60, allow_redirects=False))
            where = "" if answer is None else answer.headers.get("Location", "")
            if where.startswith(self._plan.stripe_url):
                session = where.rstrip("/").rpartition("/")[2].partition("?")[0]
                address = f"{self._plan.stripe_url}/_sandbox/pay"
                requests.post(address, json={"session": session}, timeout=60).raise_for_status()
                with self._guard:
                    self.heard.paid.add(booking_id)
                return
            time.sleep(0.2)

    def _ask(self, send: Callable[[], requests.Response]) -> requests.Response | None:
        """One request to our door; nothing is sent twice here: the buyers have no patience."""
        began = time.monotonic()
        answer: requests.Response | None = None
        trouble = ""
        try:
            answer = send()
            if answer.status_code >= requests.codes.server_error:
                trouble = f"{answer.request.method} {answer.status_code}"
        except requests.RequestException as error:
            trouble = f"{type(error).__name__}"
        with self._guard:
            self.heard.requests += 1
            if answer is not None:
                self.heard.statuses[answer.status_code] += 1
            if trouble:
                self.heard.errors.append(f"{trouble} after {time.monotonic() - began:.1f} s")
        return answer
