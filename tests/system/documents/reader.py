"""A browser for instructions: it presses the buttons and follows the links that a sentence names."""

from html.parser import HTMLParser

import requests

from deploy.embedded.browser import Browser, Form, Values

_END = {"button", "summary", "a"}


class _Words(HTMLParser):
    """What the buttons and links of a page say, and which form a button sends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.buttons: list[tuple[int, str, str, str]] = []
        self.links: list[tuple[str, str]] = []
        self._forms = 0
        self._open: dict[str, str] | None = None
        self._said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self._forms += 1
        elif tag in _END:
            self._open, self._said = {name: value or "" for name, value in attrs}, []

    def handle_endtag(self, tag: str) -> None:
        if tag not in _END or self._open is None:
            return
        words = " ".join("".join(self._said).split())
        if tag == "button":
            self.buttons.append(
                (self._forms - 1, words, self._open.get("name", ""), self._open.get("value", ""))
            )
        elif tag == "a":
            self.links.append((words, self._open.get("href", "")))
        self._open = None

    def handle_data(self, data: str) -> None:
        self._said.append(data)


class Reader(Browser):
    """One visitor who does what a text says."""

    words: _Words

    def follow(self, words: str) -> "Reader":
        """Follow the link that says exactly this, or begins with it."""
        for matches in (str.__eq__, str.startswith):
            for said, address in self.words.links:
                if matches(said, words):
                    self.open(address)
                    return self
        raise LookupError(f"no link “{words}” on {self.url}, only {[said for said, _ in self.words.links]}")

    def press(self, words: str, values: Values | None = None) -> "Reader":
        """Fill in, and press the button that says exactly this, or begins with it."""
        buttons = sorted(
            (button for button in self.words.buttons if button[1].startswith(words)),
            key=lambda button: len(button[1]),
        )
        if not buttons:
            raise LookupError(f"no button “{words}” on {self.url}, only {[b[1] for b in self.words.buttons]}")
        form, _, name, value = buttons[0]
        chosen: Form = self._page.forms[form]
        data = {**chosen.fields, **(values or {}), **({name: value} if name else {})}
        self._go(chosen.method, requests.compat.urljoin(self.url, chosen.action or self.url), data)
        return self

    def fields(self, having: str) -> dict[str, str]:
        """What the form with this field would send."""
        return self.form(having).fields

    def _show(self, answer: requests.Response) -> "Browser":
        self.words = _Words()
        self.words.feed(answer.text)
        return super()._show(answer)
