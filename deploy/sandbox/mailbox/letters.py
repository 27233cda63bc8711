"""Letters as they arrived, and the mailbox that keeps the latest of them."""

import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

MOST_LETTERS = 500
MOST_BYTES = 32 * 1024 * 1024

_LINK = re.compile(r"https?://[^\s<>\"']+")
# A full stop or bracket at the end of an address belongs to the sentence around it.
_AFTER_LINK = ".,;:!?)]}"
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote"})


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter. `sender` and `recipients` are the envelope's; the headers may say otherwise."""

    id: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[str, ...]

    def header(self, name: str) -> str:
        """The first header of that name, empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def subject(self) -> str:
        """What the letter is about."""
        return self.header("Subject") or "(no subject)"

    @property
    def body(self) -> str:
        """What there is to read: the text, else the words of the HTML."""
        return self.text or words_of(self.html)

    @property
    def links(self) -> list[str]:
        """Every address in it, in order."""
        return [link for link, _ in split_links(self.body) if link]

    def concerns(self, address: str) -> bool:
        """Whether an address, or a part of one, sent or received this."""
        wanted = address.strip().lower()
        return any(wanted in known.lower() for known in (self.sender, *self.recipients))


class Mailbox:
    """Keeps the latest letters, within a number and a size."""

    def __init__(self, most_letters: int = MOST_LETTERS, most_bytes: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._letters: deque[Letter] = deque()
        self._most_letters = most_letters
        self._most_bytes = most_bytes
        self._bytes = 0
        self._next_id = 1

    def take(self, sender: str, recipients: Sequence[str], raw: bytes) -> Letter:
        """Put a letter on top; the oldest ones leave when there are too many."""
        headers, text, html, attachments = _read(raw)
        with self._lock:
            letter = Letter(
                id=self._next_id,
                # The wall clock, not business time: letters do not come from the future.
                received_at=datetime.now(UTC),
                sender=sender,
                recipients=tuple(recipients),
                raw=raw,
                headers=headers,
                text=text,
                html=html,
                attachments=attachments,
            )
            self._next_id += 1
            self._letters.appendleft(letter)
            self._bytes += len(raw)
            while len(self._letters) > self._most_letters or (
                self._bytes > self._most_bytes and len(self._letters) > 1
            ):
                self._bytes -= len(self._letters.pop().raw)
        return letter

    def newest_first(self, concerning: str = "") -> list[Letter]:
        """The letters, all or those of an address or a part of one."""
        with self._lock:
            letters = list(self._letters)
        return [letter for letter in letters if letter.concerns(concerning)]

    def get(self, letter_id: int) -> Letter | None:
        """One letter, as long as it is kept."""
        return next((letter for letter in self.newest_first() if letter.id == letter_id), None)

    def clear(self) -> None:
        """Throw everything away."""
        with self._lock:
            self._letters.clear()
            self._bytes = 0


def split_links(text: str) -> list[tuple[str, str]]:
    """The text in pieces, each a pair of which one side is empty: (link, "") or ("", words between)."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for found in _LINK.finditer(text):
        link = found.group().rstrip(_AFTER_LINK)
        if found.start() > end:
            pieces.append(("", text[end : found.start()]))
        pieces.append((link, ""))
        end = found.start() + len(link)
    return [*pieces, ("", text[end:])] if end < len(text) else pieces


def words_of(html: str) -> str:
    """The words of an HTML letter, with the addresses behind its links."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._silent = 0
        self._target = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "title"):
            self._silent += 1
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if tag == "a":
            self._target = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._silent = max(0, self._silent - 1)
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if tag == "a" and self._target:
            self.pieces.append(f" ({self._target}) ")
            self._target = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _read(raw: bytes) -> tuple[tuple[tuple[str, str], ...], str, str, tuple[str, ...]]:
    message = message_from_bytes(raw, policy=policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    shown = [part for part in parts if part.get_content_disposition() != "attachment"]
    text = "\n".join(_content(part) for part in shown if part.get_content_type() == "text/plain")
    html = "\n".join(_content(part) for part in shown if part.get_content_type() == "text/html")
    attachments = tuple(
        f"{part.get_filename() or 'without a name'} ({part.get_content_type()})"
        for part in parts
        if part.get_content_type() not in ("text/plain", "text/html") or part not in shown
    )
    return tuple(_headers(message)), text, html, attachments


def _headers(message: EmailMessage) -> list[tuple[str, str]]:
    headers = []
    for name in dict.fromkeys(message.keys()):
        try:
            headers += [(name, str(value)) for value in message.get_all(name, [])]
        except (ValueError, LookupError, IndexError, AttributeError):
            # The standard library stumbles over some malformed headers; the letter is shown all the same.
            headers.append((name, "(cannot be read)"))
    return headers


def _content(part: EmailMessage) -> str:
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):
        # An unknown character set: better some wrong letters than none.
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else ""
