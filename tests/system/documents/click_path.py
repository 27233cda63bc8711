"""README's click path, step by step: each takes its words from the text, so that text and site cannot drift apart."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.system.documents.reader import Reader

PATIENCE = 60.0
PASSWORD = re.compile(r"password `([^`]+)`")


class Step:
    """One numbered step. What is bold, code or an address in it has to be used by whoever walks it."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self._unused = {
            *re.findall(r"\*\*([^*]+)\*\*", self.text),
            *re.findall(r"`([^`]+)`", self.text),
            *re.findall(r"<(http[^>]+)>", self.text),
        }

    def says(self, words: str) -> str:
        """These very words stand in the step, marked; they are used by asking."""
        assert f"**{words}**" in self.text or f"`{words}`" in self.text or f"<{words}>" in self.text, (
            f"the step does not say “{words}” any more: walk it as it is written now, in {__name__}\n{self.text}"
        )
        self._unused.discard(words)
        return words

    def plainly(self, words: str) -> str:
        """These words stand in the step, without a mark."""
        assert words in self.text, f"the step does not say “{words}” any more\n{self.text}"
        return words

    @property
    def unused(self) -> set[str]:
        """What the text tells to do and nobody did."""
        return self._unused


def steps_of(readme: str) -> list[Step]:
    """The numbered steps below the heading."""
    section = readme.split("## A click path", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\d+\. (.*?)(?=^\d+\. |\Z)", section, re.MULTILINE | re.DOTALL)
    return [Step(text) for text in found]


class Walk:
    """A walk over a running site in `folder`; `at` gives the real address for one that is written."""

    def __init__(self, folder: Path, at: Callable[[str], str]) -> None:
        self.folder, self.at = folder, at
        self.student, self.trainer, self.finance, self.ops = (Reader() for _ in range(4))
        self.booking_url = self.certificate_url = self.reference = self.password = ""

    def walk(self, steps: list[Step]) -> None:
        """All of it."""
        walked = (
            self.choose, self.book_and_pay, self.see_the_booking, self.complete, self.accept,
            self.look_at_the_money, self.look_at_the_machinery,
        )  # fmt: skip
        assert len(steps) == len(walked), f"README has {len(steps)} steps, {__name__} walks {len(walked)}"
        for step, walk in zip(steps, walked, strict=True):
            walk(step)
            assert not step.unused, f"{walk.__name__}: nobody does {step.unused} of\n{step.text}"

    # The steps --------------------------------------------------------------------------------------

    def choose(self, step: Step) -> None:
        """Open the site and take the first workshop."""
        site = self.at(step.says("http://127.0.0.1:8000"))
        self.student.open(site).follow(step.says("See the workshops"))
        step.plainly("take the first one")
        first = next(address for _, address in self.student.words.links if address.startswith("/workshops/"))
        self.student.open(first)
        self.student.press(step.says("Book"))

    def book_and_pay(self, step: Step) -> None:
        """Details, answers, Stripe's page; a declined card keeps the seat."""
        step.plainly("Fill in the details, check them")
        names = {"given_name": "Grace", "family_name": "Hopper", "email": "grace@example.com"}
        details = {f"attendees-0-{name}": value for name, value in names.items()}
        self.student.submit(details, press=("step", "check"), having="attendees-0-email")
        self.student.press(step.says("Book and pay"))
        self.until("Stripe's page comes", lambda: "/c/pay/" in self.student.open(self.student.url).url)
        step.plainly("the test card is filled in")
        card = self.student.form("card_number").fields["card_number"]
        declined = step.plainly("4000 0000 0000 0002").replace(" ", "")
        step.plainly("type a name")
        pay = step.says("Pay")
        self.student.press(pay, {"name": "Grace Hopper", "card_number": declined})
        assert "declined" in self.student.text.lower(), self.student.text
        self.student.press(pay, {"name": "Grace Hopper", "card_number": card})

    def see_the_booking(self, step: Step) -> None:
        """Confirmed on the page and in a letter."""
        self.student.follow(step.says("Go to your booking"))
        self.booking_url = self.student.url
        self.until(
            "the seat is confirmed", lambda: "is confirmed" in self.student.open(self.booking_url).text
        )
        found = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", self.student.text)
        assert found
        self.reference = found.group()
        mailbox = self.at(step.says("http://127.0.0.1:8003"))
        self.until(
            "the confirmation is in the mailbox", lambda: self.reference in Reader().open(mailbox).text
        )

    def complete(self, step: Step) -> None:
        """Two days pass; the trainer marks everyone present, decides, completes."""
        found = PASSWORD.search(step.text)
        assert found
        self.password = step.says(found[1])
        self.sign_in(self.trainer, step.says("trainer@example.com"))
        step.plainly("open the workshop")
        roster = next(
            address
            for _, address in self.trainer.words.links
            if address.startswith("/trainer/workshops/") and not address.endswith("/new")
        )
        step.plainly("on the start page")
        self.trainer.open(self.at("http://127.0.0.1:8000"))
        self.trainer.press(step.says("After the next workshop"))
        assert "its trainer can complete it now" in self.trainer.text, self.trainer.text
        self.trainer.open(roster)
        self.trainer.press(step.says("Everyone present"))
        fields = self.trainer.form("step").fields
        step.plainly("decide twice for each attendee")
        people = {name.split("-", 1)[1][:36] for name in fields if name.startswith("minutes-")}
        decided = {
            f"{word}-{person}": "yes" for person in people for word in ("participation", "understanding")
        }
        self.trainer.press(step.says("Save and complete"), decided)
        assert "names are released" in self.trainer.text, self.trainer.text

    def accept(self, step: Step) -> None:
        """The Scrum Alliance's letter, its link, and every step done."""
        step.plainly("activation e-mail is in the mailbox")
        letters = Reader().open(self.at("http://127.0.0.1:8003"))
        self.until(
            "the Scrum Alliance wrote", lambda: "Activate your membership" in letters.open(letters.url).text
        )
        step.plainly("Follow its link, accept")
        letter = Reader()
        letter.open(letters.url).follow("Activate your membership")
        letter.follow(self.at("http://127.0.0.1:8002")).press("Accept")
        self.student.open(self.booking_url).follow(step.says("Where is my certificate?"))
        self.certificate_url = self.student.url
        step.plainly("every step done")
        self.until("the certificate is issued", lambda: "Not yet" not in self.certificate())

    def look_at_the_money(self, step: Step) -> None:
        """Expected and received; a dispute shows on finance's list and on the certificate page."""
        self.sign_in(self.finance, step.says("finance@example.com"))
        step.plainly("expected, received and difference of every booking")
        assert all(
            word in self.finance.text for word in ("Expected", "Received", "Difference", self.reference)
        )
        before = self.certificate()
        stripe = Reader()
        stripe.open(self.at(step.says("http://127.0.0.1:8001")))
        step.plainly("refund or dispute the charge")
        stripe.press("Dispute")
        listed = self.finance.url
        self.until("finance reads of it", lambda: "In dispute" in self._row(self.finance.open(listed).text))
        self.until("the certificate page tells", lambda: self.certificate() != before)
        assert "hold" in self.certificate()

    def look_at_the_machinery(self, step: Step) -> None:
        """What waits, what failed, and messages by an id."""
        self.sign_in(self.ops, step.says("ops@example.com"))
        step.plainly("outbox, inbox, failed messages with the reason")
        for words in ("Waiting to be published", "Inbox by source", "Failed and dead messages"):
            assert words in self.ops.text, self.ops.text
        step.plainly("search by any id")
        self.ops.press("Search", {"q": self._booking_id()})
        # Long names may be broken into lines at their dots.
        assert "booking.placed" in self.ops.text.replace(" ", ""), self.ops.text

    # How ------------------------------------------------------------------------------------------

    def certificate(self) -> str:
        """What the attendee's page says now."""
        return self.student.open(self.certificate_url).text

    def _row(self, text: str) -> str:
        return text.split(self.reference, 1)[1]

    def _booking_id(self) -> str:
        links = [address for words, address in self.finance.words.links if words == self.reference]
        return links[0].rsplit("/", 1)[1]

    def sign_in(self, who: Reader, email: str) -> None:
        """By the site's own link."""
        who.open(self.at("http://127.0.0.1:8000")).follow("Staff sign-in")
        who.submit({"email": email, "password": self.password}, having="password")
        assert "/staff/login" not in who.url, who.text

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Look again and again; nobody waits for ever."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s, but not yet: {what}"
            time.sleep(0.2)
