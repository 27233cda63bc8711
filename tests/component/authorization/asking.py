"""A row of the table and a caller make a request; what comes back is judged."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from flask import Flask, g
from werkzeug.test import TestResponse

from shared.auth.links import LinkSigner
from shared.web.csrf import FIELD, HEADER, csrf_token
from shared.web.idempotency import HEADER as KEY
from tests.component.authorization.table import ANONYMOUS, LINK_HOLDER, OTHER_LINK_HOLDER, STAFF, Row
from tests.component.authorization.world import World

COOKIE, FORM_COOKIE, PAY_COOKIE = "rostrum_staff", "rostrum_form", "rostrum_pay"
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(?P<name>[^<>]+)>")
HERS, HIS = ("Zdenka", "Markova", "zdenka@"), ("Olaf", "Andersen", "olaf@")
"""What nobody may read who is refused; those who may call a row marked `personal` do read some of it."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request as it will be sent: everything in it can be replaced by something worse."""

    app: Flask
    method: str
    path: str
    cookies: Mapping[str, str]
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any] | None

    def send(self) -> TestResponse:
        """Send it to the real app."""
        client = self.app.test_client()
        for name, value in self.cookies.items():
            client.set_cookie(name, value)
        content: dict[str, Any] = {}
        if self.body is not None:
            content = {"json" if "/api/" in self.path else "data": dict(self.body)}
        return client.open(
            self.path,
            method=self.method,
            headers=dict(self.headers),
            query_string=dict(self.query),
            **content,
        )

    def without_form_token(self) -> "Ask":
        """The same request from a page that is none of ours."""
        body = None if self.body is None else {k: v for k, v in self.body.items() if k != FIELD}
        return replace(self, body=body, headers={k: v for k, v in self.headers.items() if k != HEADER})

    def with_form_token(self, token: str) -> "Ask":
        """The same request with another form token."""
        bare = self.without_form_token()
        return replace(bare, headers={**bare.headers, HEADER: token})


class Asking:
    """Makes requests for the rows of one service."""

    def __init__(self, world: World, service: str, app: Flask | None = None) -> None:
        self.world, self.service = world, service
        self.app = app or world.apps[service]

    def ask(self, row: Row, caller: str, **changes: Any) -> Ask:
        """What this caller sends, all of it genuine: only the guard can be in the way."""
        cookies: dict[str, str] = {}
        if caller in STAFF:
            cookies[COOKIE] = self.world.authenticator(self.service).cookie.issue(
                self.world.principal(caller)
            )
        headers: dict[str, str] = {}
        own = self.world.tokens.get(caller)
        if own is not None:
            # Whoever holds links shows them in every way there is.
            cookies[PAY_COOKIE] = own["pay"]
            if row.token_outside_path:
                headers["X-Link-Token"] = own["certificate"]
        body = dict(row.sends) if row.changes else None
        if row.changes:
            token, cookies = self.form_token(cookies)
            if caller != ANONYMOUS or "/api/" not in row.path:
                headers[HEADER] = token
            if "/api/" in row.path:
                headers[KEY] = str(uuid4())
        ask = Ask(
            app=self.app,
            method=row.method,
            path=self.path(row, caller),
            cookies=cookies,
            headers=headers,
            query={},
            body=body,
        )
        return replace(ask, **changes)

    def form_token(self, cookies: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """A genuine form token for a browser with these cookies, and the cookies it has afterwards."""
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        with self.app.test_request_context(headers={"Cookie": header} if header else {}):
            token = csrf_token()
            new = g.get("rostrum_form_cookie")
        return token, {**cookies, **({FORM_COOKIE: new} if new else {})}

    def path(self, row: Row, caller: str) -> str:
        """The row's path with examples in place of its variables."""
        return _VARIABLE.sub(
            lambda found: quote(self._example(row, caller, found["name"]), safe=""), row.path
        )

    def _example(self, row: Row, caller: str, variable: str) -> str:
        if variable == "token":
            assert row.guard.purpose is not None, (
                f"{row}: which link opens it? Use link(purpose) as its guard"
            )
            own = self.world.tokens.get(caller)
            return own[row.guard.purpose] if own else self.forged(row.guard.purpose)
        if "/published/" in row.path:
            return self.world.published(self.service)
        examples = self.world.values.get(variable)
        assert examples is not None, (
            f"{row}: give an example of <{variable}> in `values` of tests/component/authorization/world.py"
        )
        return examples[row.where.get(variable, "")]

    def forged(self, purpose: str) -> str:
        """A link to the link holder's things, signed by somebody else."""
        order = self.world.order
        subject = order.enrollment_ids[0] if purpose == "certificate" else order.booking_id
        return LinkSigner(["a key that is not ours"]).issue(purpose, subject, 1)


def wrong(asking: Asking, row: Row, caller: str) -> list[str]:
    """Everything that is wrong with what this caller gets for this row; nothing, normally."""
    ask = asking.ask(row, caller)
    if caller in row.guard.callers:
        return [f"{caller}: {text}" for text in _not_opened(asking, row, caller, ask.send())]
    return [f"{caller}: {text}" for text in refused(asking.world, row, caller, ask)]


def refused(world: World, row: Row, caller: str, ask: Ask) -> list[str]:
    """What is wrong with a refusal: its status, what it says, or that something changed."""
    before = world.mark()
    answer = ask.send()
    found = [f"something changed, although the answer was {answer.status_code}"] * (world.mark() != before)
    status = refusal_status(row, caller)
    if answer.status_code != status:
        found.append(f"got {answer.status_code} and not {status}: {row} is for {row.guard.name} alone")
    elif status == 303 and not answer.location.startswith("/staff/login"):
        found.append(f"was led to {answer.location} and not asked to sign in")
    found += [f"could read {word!r}" for word in HERS if word in answer.text]
    return found


def refusal_status(row: Row, caller: str) -> int:
    """Without a genuine link there is nothing; strangers are asked to sign in, colleagues told to ask."""
    if row.guard.purpose is not None or (row.token_outside_path and caller == OTHER_LINK_HOLDER):
        return 404
    if caller in STAFF:
        return 403
    return 401 if "/api/" in row.path else 303


def _not_opened(asking: Asking, row: Row, caller: str, answer: TestResponse) -> Iterator[str]:
    if answer.status_code not in row.opens:
        yield f"got {answer.status_code} and not {' or '.join(map(str, row.opens))}: {answer.text[:200]}"
    if (
        answer.status_code == 303
        and answer.location.startswith("/staff/login")
        and row.path != "/staff/logout"
    ):
        yield "was asked to sign in"
    if row.personal:
        hers, his = (_said_of(asking.world, whose, answer) for whose in (LINK_HOLDER, OTHER_LINK_HOLDER))
        if caller == OTHER_LINK_HOLDER and (hers or not his):
            yield f"should read about his own booking alone, and reads {hers or 'nothing of it'}"
        if caller != OTHER_LINK_HOLDER and not hers:
            yield "reads nothing about the booking: is this the page it is meant to be?"


def _said_of(world: World, whose: str, answer: TestResponse) -> list[str]:
    order, words = (world.order, HERS) if whose == LINK_HOLDER else (world.other, HIS)
    return [word for word in (order.reference, str(order.booking_id), *words) if word in answer.text]
