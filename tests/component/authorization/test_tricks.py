"""Each row of the table again, with a request that is almost right: none of these comes in or changes anything."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.auth.principal import Principal
from shared.auth.refusals import RefuseBefore, RefuseSession, refuse_before, refuse_session
from shared.auth.staff_cookie import LIFETIME, StaffCookie
from tests.component.authorization.asking import COOKIE, FORM_COOKIE, Ask, Asking, refused
from tests.component.authorization.table import ADMIN, ANONYMOUS, LINK_HOLDER, STAFF, Row, rows_of
from tests.component.authorization.world import World
from tests.support.in_process import SERVICES

ROWS = [(name, row) for name in SERVICES for row in rows_of(name)]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
FOREIGN_KEY = "a key that is not ours"


def rows(*chosen: tuple[str, Row]) -> pytest.MarkDecorator:
    """One test for each of these."""
    return pytest.mark.parametrize(
        ("service", "row"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in chosen]
    )


CHANGING = [(name, row) for name, row in ROWS if row.changes and row.form_token]
OF_STAFF = [(name, row) for name, row in ROWS if row.guard.callers <= STAFF]
OF_LINKS = [(name, row) for name, row in ROWS if row.guard.purpose is not None]


def one_who_may(row: Row) -> str:
    """Somebody the row is for: staff if any are."""
    return max(row.guard.callers, key=lambda caller: (caller in STAFF, caller))


def unmoved(world: World, ask: Ask, status: int, code: str) -> list[str]:
    """What is wrong with the answer to a request that must be refused for its form token."""
    before = world.mark()
    answer = ask.send()
    found = [f"{answer.status_code} and not {status}"] * (answer.status_code != status)
    found += [f"does not say {code}"] * (code not in answer.text)
    return found + ["something changed"] * (world.mark() != before)


@rows(*CHANGING)
def test_what_changes_something_needs_a_form_token_of_this_very_session(
    world: World, service: str, row: Row
) -> None:
    asking, caller = Asking(world, service), one_who_may(row)
    genuine = asking.ask(row, caller)
    other_session = asking.ask(row, caller).headers["X-CSRF-Token"]
    anonymous, _ = asking.form_token({})
    name, _, signature = genuine.headers["X-CSRF-Token"].rpartition(".")
    tokens = {
        "of another session": other_session,
        "of somebody who is not signed in": anonymous,
        "signed by nobody": f"{name}.{signature[::-1]}",
        "in another alphabet": "é" * 40,
        "empty": "",
    }
    expected = (403, "form_too_old") if "/api/" in row.path else (403, "This page was open too long")
    wrong = {
        name: unmoved(world, genuine.with_form_token(token), *expected) for name, token in tokens.items()
    }
    wrong["none at all"] = unmoved(world, genuine.without_form_token(), *expected)
    if row.guard.purpose is None:
        # A neighbour's page can plant a cookie, but not the token that fits a staff session. Whoever comes by
        # a link has no session; the link itself is what a neighbour does not know.
        planted, cookies = asking.form_token({})
        tossed = replace(genuine, cookies={**genuine.cookies, FORM_COOKIE: cookies[FORM_COOKIE]})
        wrong["of a planted cookie"] = unmoved(world, tossed.with_form_token(planted), *expected)
    assert not {name: found for name, found in wrong.items() if found}


@rows(*OF_STAFF)
def test_no_cookie_but_a_genuine_living_one_comes_in(world: World, service: str, row: Row) -> None:
    asking, caller = Asking(world, service), one_who_may(row)
    wrong = {}
    for name, value in spoiled_cookies(world, service, row, caller).items():
        cookies = {COOKIE: value}
        ask = asking.ask(row, ANONYMOUS, cookies=cookies)
        if row.changes:
            token, cookies = asking.form_token(cookies)
            ask = replace(ask.with_form_token(token), cookies=cookies)
        wrong[name] = refused(world, row, ANONYMOUS, ask)
    assert not {name: found for name, found in wrong.items() if found}


def spoiled_cookies(world: World, service: str, row: Row, caller: str) -> Mapping[str, str]:
    """What a cookie may look like that is not, or no longer, anybody's."""
    auth = world.authenticator(service)
    principal = world.principal(caller)
    genuine = auth.cookie.issue(principal)
    payload, _, signature = genuine.rpartition(".")
    low = auth.cookie.issue(world.principal("ops" if "ops" not in row.guard.callers else "finance"))
    old = replace(principal, issued_at=datetime.now(UTC) - LIFETIME - timedelta(seconds=1))
    future = replace(principal, issued_at=datetime.now(UTC) + timedelta(hours=1))
    return {
        "signed with another key": StaffCookie([FOREIGN_KEY], secure=False).issue(principal),
        "rights of one, signature of another": f"{payload}.{low.rpartition('.')[2]}",
        "signature cut short": f"{payload}.{signature[:-1]}",
        "without a signature": payload,
        "a link in its place": world.tokens[LINK_HOLDER]["booking"],
        "too old": auth.cookie.issue(old),
        "of the future": auth.cookie.issue(future),
        "signed out": auth.cookie.issue(_ended(world, service, principal)),
        "before the account was changed": auth.cookie.issue(_changed(world, service, caller)),
        "of somebody without a role": auth.cookie.issue(replace(principal, roles=frozenset())),
    }


def _ended(world: World, service: str, principal: Principal) -> Principal:
    with world.site.services[service].transactions.begin() as tx:
        refuse_session(RefuseSession(session_id=principal.session_id), tx)
    return principal


def _changed(world: World, service: str, caller: str) -> Principal:
    earlier = replace(world.principal(caller), issued_at=datetime.now(UTC) - timedelta(minutes=1))
    with world.site.services[service].transactions.begin() as tx:
        refuse_before(
            RefuseBefore(staff_id=earlier.staff_id, changed_at=datetime.now(UTC) - timedelta(seconds=30)), tx
        )
    return earlier


def spoiled_links(world: World, purpose: str) -> Iterator[tuple[str, str]]:
    """Tokens that are almost the link holder's."""
    order = world.order
    subject = order.enrollment_ids[0] if purpose == "certificate" else order.booking_id
    genuine = world.tokens[LINK_HOLDER][purpose]
    payload, _, signature = genuine.rpartition(".")
    for other in {"booking", "pay", "certificate"} - {purpose}:
        yield f"made for {other}", world.site.token(other, subject)
        yield f"her own for {other}", world.tokens[LINK_HOLDER][other]
    yield "cut short", genuine[:-1]
    yield "without a signature", payload
    yield "another's signature", f"{payload}.{world.tokens['other link holder'][purpose].rpartition('.')[2]}"
    yield "signature turned round", f"{payload}.{signature[::-1]}"
    yield "long", genuine + "A" * 600
    yield "a staff cookie", world.authenticator("enrollment").cookie.issue(world.principal(ADMIN))
    yield "another alphabet", "é" * 20
    yield "a bare id", str(subject)


@rows(*OF_LINKS)
def test_a_link_opens_what_it_was_made_for_and_only_whole(world: World, service: str, row: Row) -> None:
    asking = Asking(world, service)
    assert row.guard.purpose is not None
    wrong = {}
    for name, token in spoiled_links(world, row.guard.purpose):
        ask = asking.ask(row, LINK_HOLDER)
        ask = replace(ask, path=ask.path.replace(world.tokens[LINK_HOLDER][row.guard.purpose], token))
        wrong[name] = refused(world, row, LINK_HOLDER, ask)
    assert not {name: found for name, found in wrong.items() if found}


@rows(*OF_LINKS)
def test_a_replaced_link_is_gone(world: World, service: str, row: Row) -> None:
    asking = Asking(world, service)
    assert row.guard.purpose is not None
    order = world.order
    subject = order.enrollment_ids[0] if row.guard.purpose == "certificate" else order.booking_id
    older = world.site.token(row.guard.purpose, subject, version=0)
    ask = asking.ask(row, LINK_HOLDER)
    before = world.mark()
    answer = replace(ask, path=ask.path.replace(world.tokens[LINK_HOLDER][row.guard.purpose], older)).send()
    assert answer.status_code == 410
    assert "Zdenka" not in answer.text
    assert world.mark() == before


@pytest.mark.parametrize("service", SERVICES)
def test_no_method_comes_in_by_a_trick(world: World, service: str) -> None:
    """Another method than the route's, said openly or in a header, a parameter or a field, is not obeyed."""
    asking = Asking(world, service)
    listed = {(row.method, row.path) for row in rows_of(service)}
    wrong = []
    for row in rows_of(service):
        genuine = asking.ask(row, one_who_may(row))
        for method in METHODS:
            if (method, row.path) not in listed:
                before = world.mark()
                status = replace(genuine, method=method, body={}).send().status_code
                wrong += [f"{method} {row.path}: {status}"] * (status != 405 or world.mark() != before)
        if row.changes and ("GET", row.path) in listed:
            for disguised in _disguises(genuine):
                before = world.mark()
                disguised.send()
                wrong += [f"a GET that says {row.method} {row.path}"] * (world.mark() != before)
    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_head_tells_no_more_than_get(world: World, service: str) -> None:
    asking = Asking(world, service)
    wrong = []
    for row in rows_of(service):
        if row.method == "GET" and ANONYMOUS not in row.guard.callers:
            wrong += refused(world, row, ANONYMOUS, asking.ask(row, ANONYMOUS, method="HEAD"))
    assert wrong == []


def _disguises(ask: Ask) -> Iterator[Ask]:
    query = {name: str(value) for name, value in (ask.body or {}).items()}
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield replace(ask, method="GET", body=None, query=query, headers={**ask.headers, name: ask.method})
    yield replace(ask, method="GET", body=None, query={**query, "_method": ask.method})
