"""Letters: to the right people, once, with working links, and no header that a name could forge."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from marshmallow import ValidationError

from services.enrollment.commands import WantLetters
from services.enrollment.domain import Delivery, LetterKind
from services.enrollment.domain.people import AttendeeDetails, PayerDetails
from services.enrollment.gateways.mail import LetterRefused, SmtpMailer, check_sender, check_smtp_url, sender
from services.enrollment.handlers import want_letters
from shared.errors import Permanent, Unavailable
from tests.component.enrollment.news import paid
from tests.component.enrollment.shop import Shop, sqlite_url

HOSTILE = PayerDetails(name="=cmd|' /C calc'!A0 <b>", email="eve+test@example.com")


class Postbox:
    """An SMTP server's other side: keeps letters, or answers as told."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer_rcpt = "250 OK"
        self.answer_data = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take or refuse a recipient."""
        if self.answer_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_rcpt

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        """Take or refuse a letter."""
        if self.answer_data.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
            self.recipients.append(envelope.rcpt_tos)
        return self.answer_data


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, str]]:
    """A real SMTP server on a free port, and its address."""
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


def links_in(message: EmailMessage) -> list[str]:
    """Every address in a letter."""
    return [line for line in message.get_content().splitlines() if line.startswith("http")]


def test_payer_and_attendees_get_their_letters(shop: Shop) -> None:
    placed = shop.confirmed(shop.plan(price_minor=129_000), 2)
    shop.do_tasks()

    payer, first, second = shop.mail.sent
    assert payer["To"] == "Charles Babbage <charles@example.com>"
    assert placed.reference in payer["Subject"]
    text = payer.get_content()
    assert "€2,580.00" in text
    assert "Monday, 08 March 2027, 10:00 to 18:00" in text
    assert "Europe/Berlin" in text
    assert "meet.example.com" not in text
    (link,) = links_in(payer)
    token = link.removeprefix("http://127.0.0.1:8000/bookings/")
    assert shop.service.links.verify("booking", token).subject_id == placed.booking_id
    for message, enrollment_id, number in (
        (first, placed.enrollment_ids[0], 0),
        (second, placed.enrollment_ids[1], 1),
    ):
        assert message["To"] == f"Given{number} Family{number} <person{number}@example.com>"
        room, certificate = links_in(message)
        assert room == "https://meet.example.com/room"
        token = certificate.removeprefix("http://127.0.0.1:8000/certificates/")
        assert shop.service.links.verify("certificate", token).subject_id == enrollment_id
        assert f"person{number}@registry.example.com" in message.get_content()
    assert len({message["Message-ID"] for message in shop.mail.sent}) == 3


def test_a_payer_who_has_not_paid_yet_has_the_link(shop: Shop) -> None:
    placed = shop.book(shop.plan(price_minor=129_000), 2)
    shop.do_tasks()
    (message,) = shop.mail.sent
    assert message["To"] == "Charles Babbage <charles@example.com>"
    assert message["Subject"] == f"Booking {placed.reference}: held until 10:30, not paid yet"
    text = message.get_content()
    assert "pay €2,580.00 by Monday, 01 March 2027, 10:30 (Europe/Berlin)" in text
    assert "ask for more time" in text
    (link,) = links_in(message)
    token = link.removeprefix("http://127.0.0.1:8000/bookings/")
    assert shop.service.links.verify("booking", token).subject_id == placed.booking_id
    shop.do_tasks()
    assert len(shop.mail.sent) == 1


def test_a_payer_who_was_quicker_than_the_letter_gets_the_confirmation_alone(shop: Shop) -> None:
    shop.confirmed(shop.plan())
    free = shop.book(shop.plan(price_minor=0))
    shop.clock.advance(timedelta(minutes=36))
    shop.book(shop.plan(capacity=1))
    shop.clock.advance(timedelta(minutes=36))
    shop.end_holds()
    shop.do_tasks()
    subjects = [message["Subject"] for message in shop.mail.sent]
    assert not [subject for subject in subjects if "not paid yet" in subject], (subjects, free)


def test_a_venue_is_named_and_nothing_to_pay_is_said(shop: Shop) -> None:
    workshop_id = shop.plan(
        delivery=Delivery.IN_PERSON, venue="Lindenhof, Berlin", join_link=None, price_minor=0
    )
    shop.confirmed(workshop_id)
    shop.do_tasks()
    for message in shop.mail.sent:
        assert "Venue: Lindenhof, Berlin" in message.get_content()
    assert "nothing to pay" in shop.mail.sent[0].get_content()


def test_an_unseated_payer_learns_that_the_money_comes_back(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=1)
    placed = shop.book(workshop_id)
    shop.clock.advance(timedelta(minutes=36))
    shop.end_holds()
    shop.book(workshop_id)
    shop.tell(paid(placed))
    shop.do_tasks()
    _, message = shop.mail.sent
    assert "money comes back" in message["Subject"]
    assert "€1,000.01 back" in message.get_content()


def test_a_repeat_sends_only_what_is_left(shop: Shop) -> None:
    shop.confirmed(shop.plan(), 2)
    shop.mail.failures = [None, Unavailable("the mail server answered 451")]
    shop.do_tasks()
    assert [message["To"].split("<")[1] for message in shop.mail.sent] == [
        "charles@example.com>",
        "person0@example.com>",
        "person1@example.com>",
    ]
    assert shop.inbox_errors() == []
    shop.do_tasks()
    assert len(shop.mail.sent) == 3


def test_a_letter_sent_twice_is_recognisable(shop: Shop) -> None:
    shop.confirmed(shop.plan())
    crashes = ["after_mail_sent_before_recorded"]

    class Crash(Exception):
        """Stands for the end of the process."""

    original = shop._tasks._checkpoint

    def crash_once(name: str) -> None:
        if name in crashes:
            crashes.remove(name)
            raise Crash
        original(name)

    shop._tasks._checkpoint = crash_once
    shop.do_tasks()
    payer, again, attendee = shop.mail.sent
    assert payer["Message-ID"] == again["Message-ID"] != attendee["Message-ID"]
    assert payer.as_bytes() == again.as_bytes()


def test_a_refused_address_does_not_keep_the_others_from_theirs(shop: Shop) -> None:
    shop.confirmed(shop.plan(), 2)
    shop.mail.failures = [None, LetterRefused("the mail server refused the recipient with 550")]
    shop.do_tasks()
    assert [message["To"].split("<")[1] for message in shop.mail.sent] == [
        "charles@example.com>",
        "person1@example.com>",
    ]
    (error,) = shop.inbox_errors()
    assert "1 of 3 letters" in error
    assert "person0" not in error


def test_hostile_names_stay_text(shop: Shop) -> None:
    odd = AttendeeDetails(
        given_name='Ada" <bcc@example.com>,',
        family_name="=?utf-8?q?x?=",
        email="ada@example.com",
        registry_email="ada@example.com",
    )
    placed = shop.book(shop.plan(), payer=HOSTILE, attendees=(odd,))
    shop.tell(paid(placed))
    shop.do_tasks()
    for message in shop.mail.sent:
        parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
        assert set(parsed.keys()) == {
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
            "Content-Transfer-Encoding", "MIME-Version",
        }  # fmt: skip
        (address,) = parsed["To"].addresses
        assert address.addr_spec in {"eve+test@example.com", "ada@example.com"}
        assert parsed.get_content_type() == "text/plain"


def test_letters_travel_over_smtp(tmp_path: Path, postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    shop = Shop(sqlite_url(tmp_path), mailer=SmtpMailer(url))
    shop.confirmed(shop.plan())
    shop.do_tasks()
    assert box.recipients == [["charles@example.com"], ["person0@example.com"]]
    assert box.received[0]["From"] == "Rostrum workshops <workshops@rostrum.example>"
    assert box.received[0]["Message-ID"].endswith("@rostrum.example>")
    shop.close()


def letter() -> EmailMessage:
    """Any letter."""
    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", "secret-person@example.com"
    message.set_content("hello")
    return message


@pytest.mark.parametrize(
    ("rcpt", "data", "error"),
    [
        ("550 no such user secret-person@example.com", "250 OK", LetterRefused),
        ("450 try later", "250 OK", Unavailable),
        ("250 OK", "554 refused", LetterRefused),
        ("250 OK", "451 try later", Unavailable),
    ],
)
def test_what_the_server_says_decides(
    postbox: tuple[Postbox, str], rcpt: str, data: str, error: type[Exception]
) -> None:
    box, url = postbox
    box.answer_rcpt, box.answer_data = rcpt, data
    with pytest.raises(error) as raised:
        SmtpMailer(url).send(letter())
    assert "secret-person" not in str(raised.value)


def test_no_server_is_unavailable(postbox: tuple[Postbox, str]) -> None:
    with pytest.raises(Unavailable):
        SmtpMailer("smtp://127.0.0.1:1").send(letter())
    _, url = postbox
    # Asked for encryption that is not offered: the letter does not go out in clear.
    with pytest.raises(Unavailable):
        SmtpMailer(url.replace("smtp:", "smtp+starttls:")).send(letter())


@pytest.mark.parametrize(
    "url",
    ["http://mail.example.com", "smtp://", "smtp://user:word@mail.example.com", "smtp://mail:99999", "mail"],
)
def test_addresses_of_servers_that_cannot_be(url: str) -> None:
    with pytest.raises(ValidationError):
        check_smtp_url(url)


def test_senders() -> None:
    assert str(sender("Rostrum <a@example.com>")) == "Rostrum <a@example.com>"
    assert sender("a@example.com").domain == "example.com"
    for text in ("", "Rostrum", "Rostrum <a@b>"):
        with pytest.raises(ValidationError):
            check_sender(text)


def test_a_booking_nobody_placed_is_dead_at_once(shop: Shop) -> None:
    with pytest.raises(Permanent), shop.service.transactions.begin() as tx:
        want_letters(WantLetters(booking_id=UUID(int=1), kinds=(LetterKind.BOOKING_CONFIRMED,)), tx)
