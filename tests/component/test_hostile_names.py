"""Hostile and unusual names stay text: on every page, in letters with their headers, at the Scrum Alliance, in CSV."""

import csv
import io
import re
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import (
    Order,
    activate,
    attendee,
    book,
    complete,
    end_workshop,
    new_key,
    page,
    pay,
    plan,
)

NAMES = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "template": "{{ 7 * 7 }} ${7*7} %s",
    "formula": '=HYPERLINK("https://evil.example","x")',
    "sum": "@SUM(1+1)*cmd|' /C calc'!A0",
    "minus": "-2+3",
    "full-width": "＝1+1",
    "quotes": "O'Brien \"Bob\" \\ de l'Hôpital; DROP TABLE booking;--",
    "right to left": "שרה לוי",
    "joined": "نیک‌پی",
    "emoji": "🦊 👩‍💻",
    "long": "Wolfeschlegelsteinhausenbergerdorff " * 2 + "x" * 28,
    "header": "Bcc: victim@example.com, <other@example.com>",
    "encoded": "=?utf-8?q?evil?=",
}
REFUSED = {
    "newline": "Ada\nBcc: victim@example.com",
    "carriage return": "Ada\r\nBcc: victim@example.com",
    "override": "\u202edaA",
    "isolate": "\u2066Ada",
    "line separator": "Ada\u2028Lee",
    "invisible": "A\u200bda",
    "invisible joiner": "A\u200dda",
    "null": "A\x00da",
    "101 characters": "x" * 101,
}


class Elements(HTMLParser):
    """The elements of a page that run or load something, with what is in scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def is_text(visitor: Visitor, name: str) -> None:
    """The name is on the page, as words; nothing in it became an element, an attribute or a template."""
    assert visitor.status == 200, visitor.text
    assert " ".join(name.split()) in visitor.text, (name, visitor.url)
    parser = Elements()
    parser.feed(visitor.answer.text)
    for tag, attributes in parser.found:
        assert tag != "img"
        assert not any(key.startswith("on") for key in attributes), (tag, attributes)
        if tag == "script":
            assert "nonce" in attributes or (attributes["src"] or "").startswith("/"), attributes


@pytest.fixture(scope="module")
def sold(shared_rostrum: WholeSite) -> tuple[UUID, dict[str, Order]]:
    """A workshop in which everybody with such a name has come as far as one can."""
    workshop = plan(shared_rostrum, capacity=50)
    orders = {}
    for kind, name in NAMES.items():
        payer: dict[str, Any] = {
            "payer_name": name,
            "payer_email": "=1+2@example.com" if kind == "formula" else "p@example.com",
        }
        who = attendee(given_name=name, family_name=name)
        orders[kind] = book(shared_rostrum, workshop, attendees=[who], **payer)
        pay(shared_rostrum, orders[kind])
    end_workshop(shared_rostrum)
    complete(shared_rostrum, workshop)
    activate(shared_rostrum)
    return workshop, orders


@pytest.mark.parametrize("kind", NAMES)
def test_every_page_shows_the_name_as_it_is(
    shared_rostrum: WholeSite, sold: tuple[UUID, dict[str, Order]], kind: str
) -> None:
    workshop, orders = sold
    order, name, url = orders[kind], NAMES[kind], shared_rostrum.url
    visitor = Visitor()
    for address in (order.booking_url, order.certificate_urls[0], f"{order.certificate_urls[0]}/attendance"):
        visitor.open(address)
        is_text(visitor, name)
    visitor.open(next(word for word in page(order.certificate_urls[0]).split() if "/verify/" in word))
    is_text(visitor, name)
    trainer = shared_rostrum.staff("trainer")
    trainer.open(f"{url}/trainer/workshops/{workshop}")
    is_text(trainer, name)
    finance = shared_rostrum.staff("finance")
    for path in (f"/finance?q={order.reference}", f"/finance/bookings/{order.booking_id}"):
        finance.open(f"{url}{path}")
        is_text(finance, name)
    ops = shared_rostrum.staff("ops")
    for path in (f"?q={order.reference}", f"/{order.enrollment_ids[0]}"):
        ops.open(f"{url}/certificates/activations{path}")
        is_text(ops, name)


@pytest.mark.parametrize("kind", NAMES)
def test_the_checkout_shows_the_name_while_it_is_typed(shared_rostrum: WholeSite, kind: str) -> None:
    name = NAMES[kind]
    visitor = shared_rostrum.visitor()
    visitor.open(f"/workshops/{plan(shared_rostrum)}/book?seats=1")
    typed = {"payer_name": name, "attendees-0-given_name": name, "attendees-0-family_name": name}
    visitor.submit(typed, press=("step", "check"), having="payer_name")
    assert visitor.status == 422
    assert visitor.form("payer_name").fields["payer_name"] == name
    addresses = {"payer_email": "p@example.com", "attendees-0-email": "a@example.com"}
    visitor.submit(addresses, press=("step", "check"), having="payer_name")
    is_text(visitor, name)
    assert "Check your answers" in visitor.text


@pytest.mark.parametrize("kind", NAMES)
def test_letters_address_the_name_and_nobody_else(
    shared_rostrum: WholeSite, sold: tuple[UUID, dict[str, Order]], kind: str
) -> None:
    _, orders = sold
    name = " ".join(NAMES[kind].split())
    usual = {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "content-type",
        "content-transfer-encoding", "mime-version", "received", "x-peer", "return-path", "delivered-to",
    }  # fmt: skip
    letters = [
        letter
        for letter in shared_rostrum.post.mailbox.newest_first()
        if name in letter.body and letter.sender == "workshops@rostrum.example"
    ]
    assert len(letters) >= 2
    for letter in letters:
        message = message_from_bytes(letter.raw, policy=policy.default)
        assert {key.lower() for key in message} <= usual
        assert len(letter.recipients) == 1
        (to,) = message["To"].addresses
        assert to.addr_spec == letter.recipients[0]
        # Signs that need quotes are left out there, blanks may be folded; nothing else is added or lost.
        assert _letters_of(to.display_name) in (_letters_of(name), _letters_of(name * 2))
    assert orders[kind].reference in " ".join(str(letter.subject) for letter in letters)


def _letters_of(text: str) -> str:
    return "".join(character for character in text if character not in ' ()<>[]:;@\\,."=?')


def test_the_scrum_alliance_gets_the_names_as_they_are(
    shared_rostrum: WholeSite, sold: tuple[UUID, dict[str, Order]]
) -> None:
    answer = shared_rostrum.staff("admin").session.get(
        f"{shared_rostrum.registry.url}/_sandbox/members", timeout=10
    )
    names = {member["given_name"] for member in answer.json()["members"]}
    assert names == {" ".join(name.split()) for name in NAMES.values()}


def test_csv_holds_no_formula(shared_rostrum: WholeSite, sold: tuple[UUID, dict[str, Order]]) -> None:
    finance = shared_rostrum.staff("finance")
    finance.open(f"{shared_rostrum.url}/finance/bookings.csv")
    text = finance.answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    _, orders = sold
    by_reference = {row["Reference"]: row for row in rows}
    for kind, order in orders.items():
        shown = by_reference[order.reference]["Payer"]
        # Quotes stand only where a formula would begin: in front, or behind what ends a cell elsewhere.
        assert re.sub(r"(^|;)'(?=[=+\-@＝＋－＠])", r"\1", shown) == " ".join(NAMES[kind].split())
    for row in rows:
        for column, cell in row.items():
            if column not in ("Expected", "Received", "Difference"):
                assert not cell.lstrip(" \N{NO-BREAK SPACE}").startswith(tuple("=+-@\t\r＝＋－＠")), cell


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_visible_line_is_refused(shared_rostrum: WholeSite, kind: str) -> None:
    answer = shared_rostrum.api(
        "POST",
        "/enrollment/api/bookings",
        headers=new_key(),
        json={
            "workshop_id": str(plan(shared_rostrum)),
            "payer_name": REFUSED[kind],
            "payer_email": "p@example.com",
            "attendees": [attendee(family_name=REFUSED[kind])],
        },
    )
    assert answer.status_code in (400, 422)
    if answer.status_code == 422:
        fields = {error["field"] for error in answer.json()["errors"]}
        assert fields == {"payer_name", "attendees.0.family_name"}
