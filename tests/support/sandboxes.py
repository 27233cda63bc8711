"""The Scrum Alliance and the mailbox on ports of their own, in this process, for one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from deploy.sandbox import mailbox, scrum_alliance
from deploy.sandbox.serving import Serving
from shared.clock import Clock, SystemClock

HOST = "127.0.0.1"
KEY = "sandbox-scrum-alliance-key"


@dataclass
class ScrumAlliance:
    """A running registry, and what a test asks of it."""

    url: str

    def submit(self, **fields: Any) -> requests.Response:
        """Send a name; what is not given is filled in, None leaves a field out."""
        body: dict[str, Any] = {
            "reference": "ref-1",
            "course_code": "CSPO",
            "given_name": "Zoë",
            "family_name": "Li",
            "email": "zoe@example.com",
            "course_ended_on": "2026-03-05",
        }
        body = {name: value for name, value in {**body, **fields}.items() if value is not None}
        return requests.post(f"{self.url}/api/members", json=body, headers=self.key, timeout=10)

    def look_up(self, reference: str = "ref-1") -> list[dict[str, Any]]:
        """The members under a reference."""
        found = requests.get(
            f"{self.url}/api/members", params={"reference": reference}, headers=self.key, timeout=10
        )
        assert found.status_code == 200
        members: list[dict[str, Any]] = found.json()["members"]
        return members

    def behave(self, **wish: Any) -> None:
        """Switch a behaviour on."""
        answer = requests.post(f"{self.url}/_sandbox/behaviour", json=wish, timeout=10)
        assert answer.status_code == 200, answer.text

    def counters(self) -> dict[str, Any]:
        """Requests and accepted submissions."""
        counted: dict[str, Any] = requests.get(f"{self.url}/_sandbox/counters", timeout=10).json()
        return counted

    def activation_url(self, reference: str = "ref-1") -> str:
        """The page that the letter leads to."""
        members = requests.get(
            f"{self.url}/_sandbox/members", params={"reference": reference}, timeout=10
        ).json()["members"]
        return str(members[0]["activation_url"])

    @property
    def key(self) -> dict[str, str]:
        """The header that opens the API."""
        return {"Authorization": f"Bearer {KEY}"}


@dataclass
class PostOffice:
    """A running mailbox."""

    url: str
    smtp_port: int
    mailbox: mailbox.Mailbox

    def messages(self, to: str = "") -> list[dict[str, Any]]:
        """The letters, the latest first."""
        found: list[dict[str, Any]] = requests.get(
            f"{self.url}/_sandbox/messages", params={"to": to}, timeout=10
        ).json()["messages"]
        return found


@contextmanager
def scrum_alliance_sandbox(
    *, smtp_port: int | None = None, clock: Clock | None = None, state_file: Path | None = None
) -> Iterator[ScrumAlliance]:
    """A registry until the block ends."""
    site = Serving(HOST, 0)
    app = scrum_alliance.create_app(
        scrum_alliance.ScrumAllianceConfig(
            api_key=KEY,
            public_url=site.url,
            smtp=None if smtp_port is None else (HOST, smtp_port),
            clock=clock or SystemClock(),
            state_file=state_file,
        )
    )
    scrum_alliance.start_background(app)
    site.start(app)
    try:
        yield ScrumAlliance(site.url)
    finally:
        site.stop()
        scrum_alliance.stop(app)


@contextmanager
def mailbox_sandbox(*, most_letters: int = 500, most_bytes: int = 10_000_000) -> Iterator[PostOffice]:
    """A mailbox until the block ends."""
    box = mailbox.Mailbox(most_letters, most_bytes)
    smtp = mailbox.SmtpSink(box, HOST, 0).start()
    site = Serving(HOST, 0)
    site.start(mailbox.create_app(box))
    try:
        yield PostOffice(site.url, smtp.port, box)
    finally:
        site.stop()
        smtp.stop()
