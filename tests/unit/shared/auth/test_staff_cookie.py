"""The staff cookie: genuine, young enough, bound to its host on https."""

from dataclasses import replace
from datetime import timedelta

import pytest
from werkzeug.wrappers import Response

from shared.auth.principal import Principal
from shared.auth.staff_cookie import LIFETIME, StaffCookie
from shared.ids import new_id


@pytest.fixture
def principal() -> Principal:
    """Somebody who just signed in."""
    return Principal.sign_in(staff_id=new_id(), name="Zoë Ångström", roles=["trainer", "admin"])


def test_says_who_signed_in(principal: Principal) -> None:
    cookie = StaffCookie(["key"], secure=False)
    assert cookie.read({cookie.name: cookie.issue(principal)}) == principal


def test_ends_after_twelve_hours_however_busy(principal: Principal) -> None:
    cookie = StaffCookie(["key"], secure=False)
    almost = replace(principal, issued_at=principal.issued_at - LIFETIME + timedelta(minutes=1))
    over = replace(principal, issued_at=principal.issued_at - LIFETIME)
    assert cookie.read({cookie.name: cookie.issue(almost)}) == almost
    assert cookie.read({cookie.name: cookie.issue(over)}) is None


def test_from_the_future_is_refused(principal: Principal) -> None:
    cookie = StaffCookie(["key"], secure=False)
    ahead = replace(principal, issued_at=principal.issued_at + timedelta(hours=1))
    assert cookie.read({cookie.name: cookie.issue(ahead)}) is None


def test_keys_rotate(principal: Principal) -> None:
    old, both, new = (StaffCookie(keys, secure=False) for keys in (["old"], ["new", "old"], ["new"]))
    assert both.read({both.name: old.issue(principal)}) == principal
    assert new.read({new.name: both.issue(principal)}) == principal
    assert new.read({new.name: old.issue(principal)}) is None


@pytest.mark.parametrize("value", ["", "x", "x.y", "a" * 5000, "é.é", "eyJhIjoxfQ.abc"])
def test_anything_else_is_nobody(value: str) -> None:
    cookie = StaffCookie(["key"], secure=False)
    assert cookie.read({cookie.name: value}) is None


def test_on_https_it_is_bound_to_the_host(principal: Principal) -> None:
    secure, plain = StaffCookie(["key"], secure=True), StaffCookie(["key"], secure=False)
    response = Response()
    secure.write(response, principal)
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-rostrum_staff=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=43200"):
        assert part in header
    assert "Domain" not in header
    assert secure.read({plain.name: plain.issue(principal)}) is None


def test_signing_out_takes_it_away() -> None:
    response = Response()
    StaffCookie(["key"], secure=True).clear(response)
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert "Secure" in response.headers["Set-Cookie"]


def test_every_sign_in_is_a_session_of_its_own() -> None:
    first, second = (Principal.sign_in(staff_id=new_id(), name="x", roles=[]) for _ in range(2))
    assert first.session_id != second.session_id
