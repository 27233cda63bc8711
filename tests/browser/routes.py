"""Every route that a browser may come to, from the applications themselves, and those that never show a page."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from deploy.sandbox import mailbox, scrum_alliance, stripe
from shared.web.app import create_web
from tests.factories.services import SERVICES, composed

NOTHING = "nothing"
"""What answers where no route does."""

SITE = "site"

NO_PAGE: Mapping[str, str] = {
    "GET /bookings/continue/<token>": "leads on to the booking page",
    "GET /finance/bookings.csv": "a file",
    "POST /staff/logout": "leads to the start page",
    "POST /enrollment/clock": "leads back to the front door",
    "POST /webhooks/stripe": "called by Stripe, answers in JSON",
    **{
        f"POST /{service}/ops/{what}/retry": "leads back to what is tried again"
        for service in SERVICES
        for what in ("messages/<source>/<message_id>", "groups/<fingerprint>")
    },
    "scrum alliance: POST /activate/<token>": "leads back to the page before",
    "mailbox: GET /messages/<int:letter_id>/raw": "the letter as text",
}
"""Routes that never show a page of their own, each with the reason."""

_MACHINES = ("/healthz", "/readyz", "/metrics", "/_sandbox/", "/v1/", "/v2/")


def for_machines(path: str) -> bool:
    """Whether only programs call it, or it is part of a page."""
    _, first, *rest = path.split("/")
    inside = first in SERVICES and rest[:1] in (["api"], ["static"])
    return inside or path.startswith(_MACHINES) or path.startswith("/api/")


class Routes:
    """Which route answers an address: of the site, or of one of the stand-ins for the outside world."""

    def __init__(self, folder: Path) -> None:
        apps = {
            "stripe": stripe.create_app(stripe.StripeSandboxConfig()),
            "scrum alliance": scrum_alliance.create_app(scrum_alliance.ScrumAllianceConfig()),
            "mailbox": mailbox.create_app(mailbox.Mailbox(1, 1)),
        }
        self._maps: dict[str, list[Map]] = {name: [app.url_map] for name, app in apps.items()}
        self._maps[SITE] = []
        for name in SERVICES:
            service = composed(name, folder)
            self._maps[SITE].append(create_web(service).url_map)
            service.engine.dispose()

    def pages(self) -> Iterator[str]:
        """Every route for people, as `METHOD rule`, a stand-in's with its name before it."""
        for place, maps in self._maps.items():
            for rule in (rule for found in maps for rule in found.iter_rules()):
                for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                    if not for_machines(rule.rule):
                        yield _named(place, method, rule.rule)

    def answering(self, place: str, method: str, path: str) -> str:
        """The route that answers there."""
        for found in self._maps[place]:
            try:
                rule, _ = found.bind("").match(path, method=method, return_rule=True)
            except HTTPException:
                continue
            return _named(place, method, rule.rule)
        return NOTHING


def _named(place: str, method: str, rule: str) -> str:
    return f"{method} {rule}" if place == SITE else f"{place}: {method} {rule}"
