"""What every service has: its ops pages and its documentation."""

from collections.abc import Iterator
from dataclasses import replace

from tests.browser.looks.look import Look, press
from tests.factories.services import SERVICES

_MESSAGE = "ops/messages/<source>/<message_id>"


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
        name=f"{service} found",
        shows=f"GET {messages}",
        where=lambda scene: f"{messages}?q={scene.orders['done'].booking_id}",
        role="ops",
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
    yield Look(
        name=f"{service} messages nothing found",
        shows=f"GET {messages}",
        where=f"{messages}?q=nothing",
        role="ops",
    )


def _docs(service: str) -> Iterator[Look]:
    problems = f"/{service}/docs/problems"
    yield Look(name=f"{service} problems", shows=f"GET {problems}", where=problems)


def _all() -> Iterator[Look]:
    for service in SERVICES:
        for look in (*_ops(service), *_failures(service), *_docs(service)):
            # The same templates everywhere: what is right in one service is hardly wrong in another.
            yield replace(look, often=look.often and service == SERVICES[0])


LOOKS = tuple(_all())
