"""People who have been on the running site before the one a test follows: they book, pay, complain, complete."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import requests
from sqlalchemy import select, update

from deploy.embedded.browser import Browser
from deploy.embedded.story import TRAINER
from shared.clock import OffsetClock
from shared.db.engine import make_engine, read_connection, write_connection
from shared.db.kernel_tables import inbox
from tests.support.site import Site

PATIENCE = 60.0


class Regulars:
    """What has to be there before a journey begins, made the way people make it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def book(self, workshop_id: UUID, *names: tuple[str, str]) -> dict[str, Any]:
        """A booking for these given and family names, not paid yet."""
        attendees = [
            {
                "given_name": given,
                "family_name": family,
                "email": f"{given}.{family}-{index}@example.com".lower().replace(" ", "-"),
            }
            for index, (given, family) in enumerate(names)
        ]
        wanted = {"payer_name": "Pia Payer", "payer_email": "pia@example.com", "attendees": attendees}
        url = f"{self._site.plan.site_url}/enrollment/api/bookings"
        answer = requests.post(
            url,
            json={**wanted, "workshop_id": str(workshop_id)},
            headers={"Idempotency-Key": str(uuid4())},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def pay(self, booking: dict[str, Any]) -> str:
        """Paid and confirmed; the charge's id."""
        browser = Browser()

        def at_stripe() -> bool:
            browser.open(booking["pay_url"])
            return browser.url.startswith(f"{self._site.plan.stripe_url}/c/pay/")

        self.until(at_stripe)
        paid = self._pull("pay", session=browser.url.rsplit("/", 1)[1])
        address = f"{self._site.plan.site_url}/enrollment/api/bookings/{booking['booking_token']}"
        self.until(lambda: requests.get(address, timeout=30).json()["state"] == "confirmed")
        return str(paid["charge"]["id"])

    def dispute(self, charge: str) -> None:
        """The payer's bank wants the money back."""
        self._pull("dispute/open", charge=charge)

    def wait_until_over(self, workshop_id: UUID) -> None:
        """The days of the workshop go by."""
        address = f"{self._site.plan.site_url}/enrollment/api/workshops/{workshop_id}"
        over = datetime.fromisoformat(requests.get(address, timeout=30).json()["ends_at"])
        clock = OffsetClock(self._site.plan.clock_file)
        clock.advance(max(timedelta(), over + timedelta(minutes=1) - clock.now()))

    def complete(self, workshop_id: UUID) -> None:
        """The trainer marks everyone present, decides yes on all, and completes."""
        trainer = Browser().open(f"{self._site.plan.site_url}/trainer/workshops/{workshop_id}")
        trainer.submit({"email": TRAINER[0], "password": TRAINER[1]}, having="password")
        trainer.submit({}, press=("step", "everyone"), having="step")
        people = {name.split("-", 1)[1][:36] for name in trainer.form("step").fields if "minutes-" in name}
        subjects = ("participation", "understanding")
        decisions = {f"{subject}-{one}": "yes" for one in people for subject in subjects}
        trainer.submit(decisions, press=("step", "complete"), having="step")
        assert "names are released" in trainer.text, trainer.text

    def leave_failed(self, enrollment_id: str) -> None:
        """An activation has failed so often that it is tried again in an hour only."""
        engine = make_engine(self._site.plan.database("certification"), pool_size=1)
        failed = inbox.c.type.like("membership.activation_requested.%") & (inbox.c.state == "failed")
        named = inbox.c.payload.contains(enrollment_id)

        def has_failed() -> bool:
            with read_connection(engine) as connection:
                return connection.scalar(select(inbox.c.message_id).where(failed, named)) is not None

        try:
            self.until(has_failed)
            with write_connection(engine) as connection:
                later = datetime.now(UTC) + timedelta(hours=1)
                connection.execute(update(inbox).where(failed, named).values(next_attempt_at=later))
        finally:
            engine.dispose()

    def mend_registry(self) -> None:
        """The Scrum Alliance works again."""
        url = f"{self._site.plan.scrum_alliance_url}/_sandbox/behaviour/reset"
        requests.post(url, timeout=10).raise_for_status()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what the workers have to do first."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s"
            time.sleep(0.05)

    def _pull(self, lever: str, **sent: Any) -> dict[str, Any]:
        answer = requests.post(f"{self._site.plan.stripe_url}/_sandbox/{lever}", json=sent, timeout=10)
        assert answer.ok, answer.text
        done: dict[str, Any] = answer.json()
        return done
