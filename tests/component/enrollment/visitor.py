"""Somebody with a browser on enrollment's pages: follows what is on the page, without JavaScript."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from shared.auth.principal import Principal
from shared.auth.staff_cookie import StaffCookie
from shared.web.app import create_web
from tests.component.enrollment.shop import Shop


class _Compiled(BytecodeCache):
    """Templates compiled once for all apps of a run."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Look it up."""
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()
_EMPTY = {"input", "br", "meta", "link", "hr", "img", "wbr"}
Form = dict[str, str]


class Page(HTMLParser):
    """What is on a page: title, headings, forms as they would be sent, the error summary, ids."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.words = ""
        self.titles: dict[str, str] = {}
        self.forms: list[tuple[str, Form, list[str]]] = []
        self.problems: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.visible: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Forms, ids and links; everything else is only remembered as open."""
        given = {name: value if value is not None else "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag not in _EMPTY:
            self._open.append((tag, given))
        if tag == "form":
            self.forms.append((given.get("action", ""), {}, []))
        elif tag == "a":
            self.links.append((given.get("href", ""), ""))
        if self.forms and any(name == "form" for name, _ in self._open):
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        _, form, steps = self.forms[-1]
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            form[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in given or self._select not in form):
            form[self._select] = given.get("value", "")
        elif tag == "button" and name == "step":
            steps.append(given.get("value", ""))
        folded = any(name == "details" and "open" not in at for name, at in self._open)
        if tag in ("input", "select", "textarea") and kind not in ("hidden", "radio") and not folded:
            self.visible.append(name)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last under this name."""
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        """The words, and to what they belong."""
        around = [tag for tag, _ in self._open]
        if "script" in around or "style" in around:
            return
        self.words += " " + data
        for tag in ("title", "h1"):
            if tag in around:
                self.titles[tag] = self.titles.get(tag, "") + data
        if around and around[-1] == "a":
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + data)
        summary = any("data-error-summary" in at for _, at in self._open)
        if summary and around[-1] in ("a", "li") and data.strip():
            self.problems.append((data.strip(), self._open[-1][1].get("href", "")))


class Visitor:
    """One browser. `status`, `page`, `text` and `leads_to` are of the last answer."""

    def __init__(self, shop: Shop) -> None:
        self.app = create_web(shop.service)
        self.app.jinja_env.bytecode_cache = _COMPILED
        self.client = self.app.test_client()
        self.path = "/"
        self.status = 0
        self.leads_to = ""
        self.headers = Headers()
        self.sent: tuple[str, Form] = ("", {})
        self.page = Page("")

    def open(self, path: str) -> "Visitor":
        """Go to a page, and on to where it leads."""
        self._show(path, self.client.get(path))
        return self.open(self.leads_to) if self.leads_to else self

    def send(self, step: str | None = None, /, **typed: str) -> "Visitor":
        """Fill in the form that has the button `step` (else the last one), press it, and go where it leads."""
        self.submit(step, **typed)
        leads_elsewhere = urlsplit(self.leads_to).path.startswith("/pay/")
        return self.open(self.leads_to) if self.leads_to and not leads_elsewhere else self

    def submit(self, step: str | None = None, /, **typed: str) -> "Visitor":
        """As `send`, without going on: `leads_to` says where."""
        action, form, _ = self.form(step)
        data = {**form, **{_field(name): value for name, value in typed.items()}}
        if step is not None:
            data["step"] = step
        return self.post(urljoin(self.path, action) if action else self.path, data)

    def post(self, path: str, data: Form) -> "Visitor":
        """Send this very body, as going back and forth in a browser does."""
        self.sent = (path, data)
        return self._show(path, self.client.post(path, data=data))

    def send_again(self) -> "Visitor":
        """The very same body once more, as after a double click or a reload."""
        return self.post(*self.sent)

    def form(self, step: str | None = None) -> tuple[str, Form, list[str]]:
        """Action, fields and buttons of a form."""
        found = [form for form in self.page.forms if step is None or step in form[2]]
        assert found, f"no form with the button {step} on {self.path}: {self.text[:200]}"
        return found[-1]

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(self.page.words.replace("\N{NO-BREAK SPACE}", " ").split())

    @property
    def title(self) -> str:
        """What the tab says."""
        return self.page.titles["title"]

    @property
    def problems(self) -> list[str]:
        """The sentences of the error summary. Each link of it leads somewhere, and the title warns of it."""
        for text, target in self.page.problems:
            assert not target or target.removeprefix("#") in self.page.ids, (text, target)
        if self.page.problems:
            assert self.title.startswith("Error: ")
        return [text for text, _ in self.page.problems]

    def _show(self, path: str, answer: TestResponse) -> "Visitor":
        self.path, self.status, self.headers = path, answer.status_code, answer.headers
        self.page, self.leads_to = Page(answer.text), answer.headers.get("Location", "")
        return self


def signed_in(
    shop: Shop, staff_id: UUID | None = None, *, roles: tuple[str, ...] = ("trainer",), name: str = "Mira"
) -> Visitor:
    """A browser in which somebody has signed in; the shop's trainer without `staff_id`."""
    visitor = Visitor(shop)
    cookie = StaffCookie(shop.service.settings.staff_keys, secure=False)
    who = Principal.sign_in(staff_id=staff_id or shop.trainer_id, name=name, roles=roles)
    visitor.client.set_cookie(cookie.name, cookie.issue(who))
    return visitor


def booking_path(shop: Shop, booking_id: UUID, version: int = 1) -> str:
    """The payer's link."""
    return f"/bookings/{shop.service.links.issue('booking', booking_id, version)}"


def _field(name: str) -> str:
    # Python's names hold no hyphens: attendees__0__email stands for attendees-0-email.
    return name.replace("__", "-")
