"""The mailbox over real SMTP and HTTP: it takes everything, shows it as text, and never grows without end."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from tests.support.sandboxes import PostOffice, mailbox_sandbox


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with mailbox_sandbox() as running:
        yield running


def write(to: str = "zoe@example.com", subject: str = "Your place", text: str = "Hello") -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = "Rostrum workshops <workshops@rostrum.example>"
    letter["To"] = to
    letter["Subject"] = subject
    letter.set_content(text)
    return letter


def send(post: PostOffice, *letters: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", post.smtp_port, timeout=5) as smtp:
        for letter in letters:
            smtp.send_message(letter)


def test_letters_are_listed_newest_first_and_found_by_recipient(post: PostOffice) -> None:
    assert post.messages() == []
    send(post, write(subject="First"), write(to="Ann@Example.com", subject="Second"))
    send(post, write(subject="Grüße, 日本", text="Über http://127.0.0.1:8000/bookings/a.b-c_d, bitte.\n"))
    assert [letter["subject"] for letter in post.messages()] == ["Grüße, 日本", "Second", "First"]
    assert [letter["subject"] for letter in post.messages("ann@example.COM")] == ["Second"]
    assert post.messages("zoe@example") == [], "the JSON asks for an address, not for a part of one"
    (newest, *_) = post.messages("zoe@example.com")
    assert newest["text"] == "Über http://127.0.0.1:8000/bookings/a.b-c_d, bitte.\n"
    assert newest["links"] == ["http://127.0.0.1:8000/bookings/a.b-c_d"]
    assert newest["from"] == "workshops@rostrum.example"
    assert ["To", "zoe@example.com"] in newest["headers"]


def test_the_pages_list_search_and_show(post: PostOffice) -> None:
    assert "No letter yet" in requests.get(post.url, timeout=5).text
    link = "https://example.com/x?a=1&b=2"
    send(post, write(), write(to="ann@example.com", subject="For Ann", text=f"See {link}."))
    everything = requests.get(post.url, timeout=5).text
    assert everything.index("For Ann") < everything.index("Your place")
    found = requests.get(post.url, params={"q": "ANN@"}, timeout=5).text
    assert "For Ann" in found
    assert "Your place" not in found
    assert "No letter of" in requests.get(post.url, params={"q": "nobody"}, timeout=5).text
    (letter,) = post.messages("ann@example.com")
    page = requests.get(f"{post.url}/messages/{letter['id']}", timeout=5)
    escaped = link.replace("&", "&amp;")
    assert f'<a href="{escaped}" rel="noreferrer noopener">{escaped}</a>.' in page.text
    assert "ann@example.com" in page.text
    raw = requests.get(f"{post.url}/messages/{letter['id']}/raw", timeout=5)
    assert raw.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Subject: For Ann" in raw.text
    for path in ("/messages/999", "/messages/999/raw"):
        gone = requests.get(post.url + path, timeout=5)
        assert gone.status_code == 404
        assert "This letter is not here" in gone.text


def test_html_is_shown_as_text_and_nothing_of_it_lives(post: PostOffice) -> None:
    letter = write(to='"<b>Zoë</b>" <zoe@example.com>', subject="<script>alert(1)</script>")
    letter.clear_content()
    letter.set_content(
        "<html><style>p {}</style><p>Hello <a href='http://shop.example/b'>here</a></p>"
        "<script>alert(2)</script><img src='http://tracker.example/x.gif'></html>",
        subtype="html",
    )
    letter.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="workshop.ics")
    send(post, letter)
    (shown,) = post.messages("zoe@example.com")
    assert shown["links"] == ["http://shop.example/b"]
    assert shown["attachments"] == ["workshop.ics (text/calendar)"]
    for path in ("/", f"/messages/{shown['id']}"):
        page = requests.get(post.url + path, timeout=5)
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Hello here (" in page.text
    assert "&lt;style&gt;" in page.text, "the source is there to read"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no headers at all\r\n",
        b"Subject: =?utf-8?b?!!!?=\r\nFrom: <<<\r\nTo: \xff\xfe\r\nDate: never\r\n\r\nbody\r\n",
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xfcber\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\nnothing\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
    ],
)
def test_a_malformed_letter_is_taken_and_shown(post: PostOffice, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", post.smtp_port, timeout=5) as smtp:
        smtp.sendmail("a@b.example", ["zoe@example.com", "ann@example.com"], raw)
    (letter,) = post.messages("ann@example.com")
    assert letter["to"] == ["zoe@example.com", "ann@example.com"]
    for path in ("/", f"/messages/{letter['id']}", f"/messages/{letter['id']}/raw"):
        assert requests.get(post.url + path, timeout=5).status_code == 200


def test_the_oldest_letters_leave_when_there_are_too_many() -> None:
    with mailbox_sandbox(most_letters=3) as post:
        send(post, *(write(subject=f"Letter {number}") for number in range(5)))
        assert [letter["subject"] for letter in post.messages()] == ["Letter 4", "Letter 3", "Letter 2"]
        assert [letter["id"] for letter in post.messages()] == [5, 4, 3]
    with mailbox_sandbox(most_bytes=5_000) as post:
        send(
            post,
            *(write(subject=f"Letter {number}", text="x" * 70 + "\n" + "y" * 900) for number in range(9)),
        )
        kept = post.mailbox.newest_first()
        assert 1 < len(kept) < 9
        assert sum(len(letter.raw) for letter in kept) <= 5_000
        assert kept[0].subject == "Letter 8"


def test_a_letter_that_is_too_large_is_refused(post: PostOffice) -> None:
    with pytest.raises(smtplib.SMTPException):
        send(post, write(text="0123456789\n" * 300_000))
    assert post.messages() == []


def test_throwing_all_away(post: PostOffice) -> None:
    send(post, write())
    page = requests.post(f"{post.url}/_sandbox/messages/clear", data={"all": "1"}, timeout=5)
    assert "No letter yet" in page.text
    send(post, write())
    assert requests.delete(f"{post.url}/_sandbox/messages", timeout=5).json() == {"messages": []}
    assert post.messages() == []
    foreign = {"Origin": "https://evil.example"}
    assert requests.delete(f"{post.url}/_sandbox/messages", headers=foreign, timeout=5).status_code == 403
