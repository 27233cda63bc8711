"""A browser without pictures: follows links and submits forms as they are on the page."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass(kw_only=True)
class Form:
    """One form of a page: `fields` hold what it would send as it stands."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._link: str | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "form":
            self._form = Form(method=given.get("method", "get").lower(), action=given.get("action", ""))
            self.forms.append(self._form)
        elif tag == "a":
            self._link = given.get("href")
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind not in ("checkbox", "radio") or "checked" in given:
                self._form.fields[name] = given.get("value", "")
        elif tag == "button" and name:
            self._form.buttons.append((name, given.get("value", "")))
        elif tag == "textarea" and name:
            self._form.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif (
            tag == "option"
            and self._select
            and ("selected" in given or self._select not in self._form.fields)
        ):
            self._form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "a":
            self._link = None
        elif tag in ("script", "style"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.text.append(data)
        if self._link is not None:
            self.links.append((self._link, data.strip()))


Values = Mapping[str, str]


class Browser:
    """One visitor with cookies; `url`, `status`, `text` and `forms` are of the page shown.

    With `reload_seconds` it does what people do with a page that does not come, or that asks for a moment (503):
    it reloads, for so long. Every step of a redirection is reloaded for itself, as the address bar shows it.
    """

    MOST_HOPS = 10

    def __init__(self, *, reload_seconds: float = 0.0) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._reload_seconds = reload_seconds
        self.url = ""
        self.leads_to = ""
        self.status = 0
        self._page = _Page()

    def open(self, url: str) -> "Browser":
        """Go to a page."""
        return self._go("get", urljoin(self.url, url))

    def follow(self, words: str) -> "Browser":
        """Follow the link whose text holds `words`."""
        for address, text in self._page.links:
            if words in text:
                return self.open(address)
        raise LookupError(f"no link “{words}” on {self.url}")

    def submit(
        self,
        values: Values,
        *,
        press: tuple[str, str] | None = None,
        having: str | None = None,
        follow: bool = True,
    ) -> "Browser":
        """Fill the form that has the field or button `having` (else the last one) in and send it.

        Without `follow` it does not go where the answer leads: `leads_to` says where that is.
        """
        form = self.form(having)
        data = {**form.fields, **values, **({press[0]: press[1]} if press else {})}
        target = urljoin(self.url, form.action) if form.action else self.url
        return self._go(form.method, target, data, follow=follow)

    def form(self, having: str | None = None) -> Form:
        """The form that has this field or button."""
        for form in self._page.forms:
            if having is None or having in form.fields or any(having in button for button in form.buttons):
                chosen = form
                if having is not None:
                    return form
        if having is not None or not self._page.forms:
            raise LookupError(f"no such form on {self.url}: {self.text[:300]}")
        return chosen

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(" ".join(self._page.text).split())

    def _go(self, method: str, url: str, data: Values | None = None, *, follow: bool = True) -> "Browser":
        for _ in range(self.MOST_HOPS):
            answer = self._ask(method, url, data)
            if not answer.is_redirect:
                return self._show(answer)
            method, url, data = "get", urljoin(url, answer.headers["Location"]), None
            if not follow:
                self.leads_to = url
                return self
        raise LookupError(f"too many redirections, the last one to {url}")

    def _ask(self, method: str, url: str, data: Values | None) -> requests.Response:
        deadline = time.monotonic() + self._reload_seconds
        while True:
            try:
                answer = self._session.request(
                    method,
                    url,
                    data=data if method == "post" else None,
                    params=data if method == "get" else None,
                    timeout=30,
                    allow_redirects=False,
                )
                if answer.status_code != requests.codes.unavailable or time.monotonic() > deadline:
                    return answer
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _show(self, answer: requests.Response) -> "Browser":
        self.url, self.status, self.leads_to = answer.url, answer.status_code, ""
        self._page = _Page()
        self._page.feed(answer.text)
        return self
