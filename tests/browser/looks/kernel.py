"""What every service has: its ops pages and its documentation."""

import re
from collections.abc import Iterator
from dataclasses import replace

from playwright.sync_api import Page

from tests.browser.looks.look import Look, open_all, press
from tests.factories.services import SERVICES

_MESSAGE = "ops/messages/<source>/<message_id>"


_RARE = {
    f"{SERVICES[0]} {name}"
    for name in ("messages empty", "history empty", "message unreadable", "message dead")
}
"""Other states of what is looked at anyway."""


def _ops(service: str) -> Iterator[Look]:
    overview, messages = f"/{service}/ops", f"/{service}/ops/messages"
    yield Look(name=f"{service} ops", shows=f"GET {overview}", where=overview, role="ops")
    yield Look(
        name=f"{service} ops empty", shows=f"GET {overview}", where=overview, role="ops", first_day=True
    )
    yield Look(
        name=f"{service} messages handled",
        shows=f"GET {messages}",
        where=f"{messages}?state=handled",
        role="ops",
    )
    yield Look(
        name=f"{service} messages empty", shows=f"GET {messages}", where=messages, role="ops", first_day=True
    )
    yield Look(
        name=f"{service} message handled",
        shows=f"GET /{service}/{_MESSAGE}",
        where=lambda scene: scene.received(service, "handled"),
        role="ops",
    )
    yield Look(
        name=f"{service} published",
        shows=f"GET /{service}/ops/published/<uuid:message_id>",
        where=lambda scene: scene.published(service),
        role="ops",
    )


def _history(service: str) -> Iterator[Look]:
    history, timeline = f"/{service}/ops/history", f"/{service}/ops/timeline"
    yield Look(name=f"{service} history", shows=f"GET {history}", where=history, role="ops", then=open_all)
    yield Look(
        name=f"{service} history empty", shows=f"GET {history}", where=history, role="ops", first_day=True
    )
    yield Look(
        name=f"{service} timeline",
        shows=f"GET {timeline}",
        where=lambda scene: f"{timeline}?q={scene.orders['done'].booking_id}",
        role="ops",
    )
    for name, question in (("nobody named", ""), ("nothing found", "?q=nothing")):
        yield Look(
            name=f"{service} timeline {name}",
            shows=f"GET {timeline}",
            where=timeline + question,
            role="ops",
            often=False,
        )


def _groups(service: str) -> Iterator[Look]:
    groups, one = f"/{service}/ops/groups", f"/{service}/ops/groups/f1?type=payment.refunded.v1"
    route = f"/{service}/ops/groups/<fingerprint>"
    yield Look(name=f"{service} groups", shows=f"GET {groups}", where=groups, role="ops")
    yield Look(
        name=f"{service} groups empty",
        shows=f"GET {groups}",
        where=groups,
        role="ops",
        first_day=True,
        often=False,
    )
    yield Look(name=f"{service} group", shows=f"GET {route}", where=one, role="ops")
    yield Look(
        name=f"{service} group retried in vain",
        shows=f"GET {route}",
        where=lambda scene: f"{groups}/f2?type=payment.refunded.v1&action={scene.retries[service]}",
        role="ops",
    )
    yield Look(
        name=f"{service} group discarded without a reason",
        shows=f"POST {route}/discard",
        where=one,
        role="ops",
        then=press(re.compile("^Discard")),
        status=422,
    )
    yield Look(
        name=f"{service} group of nothing",
        shows=f"GET {route}",
        where=f"{groups}/nothing?type=payment.refunded.v1",
        role="ops",
        often=False,
    )


def _failures(service: str) -> Iterator[Look]:
    messages = f"/{service}/ops/messages"
    yield Look(name=f"{service} messages failed", shows=f"GET {messages}", where=messages, role="ops")
    for name, message_id in (("dead", "dead-1"), ("unreadable", "unreadable:ff")):
        yield Look(
            name=f"{service} message {name}",
            shows=f"GET /{service}/{_MESSAGE}",
            where=f"{messages}/bus/{message_id}",
            role="ops",
        )
    yield Look(
        name=f"{service} discard without a reason",
        shows=f"POST /{service}/{_MESSAGE}/discard",
        where=f"{messages}/bus/dead-1",
        role="ops",
        then=press("Discard"),
        status=422,
    )


def _see_operations(page: Page) -> None:
    """Swagger UI draws itself after the page has loaded; without scripts the page stays as it came."""
    if page.evaluate("typeof window.ui === 'object'"):
        page.locator(".opblock").first.wait_for()


def _docs(service: str) -> Iterator[Look]:
    yield Look(
        name=f"{service} docs",
        shows=f"GET /{service}/docs",
        where=f"/{service}/docs",
        then=_see_operations,
        # Swagger UI is 470 kB however it is served, and only programmers who look for it load it.
        weighed_without="/swagger-ui/",
    )
    events = f"/{service}/docs/events"
    yield Look(name=f"{service} events", shows=f"GET {events}", where=events, then=open_all)
    problems = f"/{service}/docs/problems"
    yield Look(name=f"{service} problems", shows=f"GET {problems}", where=problems)


def _all() -> Iterator[Look]:
    for service in SERVICES:
        for look in (
            *_ops(service),
            *_history(service),
            *_failures(service),
            *_groups(service),
            *_docs(service),
        ):
            # The same templates everywhere: what is right in one service is hardly wrong in another.
            yield replace(look, often=look.often and service == SERVICES[0] and look.name not in _RARE)


LOOKS = tuple(_all())
