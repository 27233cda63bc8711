"""Signing in and out, and who may look at what."""

from uuid import uuid4

import pytest

from services.enrollment import handlers, tasks
from services.enrollment.commands import AddStaff, CloseStaff
from services.enrollment.domain.staff import LOGIN_ATTEMPTS
from shared.auth.staff_cookie import cookie_name
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor, signed_in

PASSWORD = "a few quiet words"
HASH = tasks.hash_password(PASSWORD)


def hire(shop: Shop, *roles: str, email: str = "noor@example.com") -> None:
    with shop.service.transactions.begin() as tx:
        handlers.add_staff(AddStaff(email=email, name="Noor Haddad", roles=roles, password_hash=HASH), tx)


def at_door(shop: Shop, wanted: str = "") -> Visitor:
    return Visitor(shop).open(f"/staff/login?next={wanted}" if wanted else "/staff/login")


@pytest.mark.parametrize(
    ("roles", "leads_to"),
    [
        (("trainer", "ops"), "/trainer"),
        (("finance",), "/finance"),
        (("ops",), "/enrollment/ops"),
        (("admin",), "/staff"),
    ],
)
def test_signing_in_leads_to_where_one_works(shop: Shop, roles: tuple[str, ...], leads_to: str) -> None:
    hire(shop, *roles)
    visitor = at_door(shop)
    visitor.submit(email=" NOOR@example.com", password=PASSWORD)
    assert (visitor.status, visitor.leads_to) == (303, leads_to)
    visitor.open("/workshops")
    assert "Noor Haddad" in visitor.text
    again = visitor.client.get("/staff/login")
    assert again.headers["Location"] == leads_to, "who is signed in already goes on"


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/trainer/workshops/new", "/trainer/workshops/new"),
        ("/finance%3Fq=x", "/finance?q=x"),
        ("//evil.example/x", "/trainer"),
        ("https://evil.example/", "/trainer"),
        ("/%5Cevil.example", "/trainer"),
        ("/%09/evil.example", "/trainer"),
        ("javascript:alert(1)", "/trainer"),
    ],
)
def test_signing_in_never_leads_to_another_site(shop: Shop, wanted: str, leads_to: str) -> None:
    hire(shop, "trainer")
    visitor = at_door(shop, wanted).send(email="noor@example.com", password="wrong")
    assert visitor.status == 422
    visitor.submit(email="noor@example.com", password=PASSWORD)
    assert (visitor.status, visitor.leads_to) == (303, leads_to)


def test_who_is_not_known_is_told_no_more_than_that(shop: Shop) -> None:
    hire(shop, "trainer")
    visitor = at_door(shop)
    visitor.send(email="", password="")
    assert visitor.problems == ["Enter your e-mail address.", "Enter your password."]
    said = []
    for email in ("noor@example.com", "nobody@example.com", "<b>x</b>"):
        visitor.send(email=email, password="wrong")
        said.append(visitor.problems)
        form = visitor.form()[1]
        assert (form["email"], form["password"]) == (email, ""), "the address is kept, the password is not"
    assert said == [["The e-mail address or the password is wrong."]] * 3
    assert cookie_name("rostrum_staff", secure=False) not in str(visitor.headers)


def test_guessing_has_a_limit_that_says_how_long(shop: Shop) -> None:
    hire(shop, "trainer")
    visitor = at_door(shop)
    for _ in range(LOGIN_ATTEMPTS):
        assert visitor.send(email="noor@example.com", password="wrong").status == 422
    visitor.send(email="noor@example.com", password=PASSWORD)
    assert visitor.status == 429
    (said,) = visitor.problems
    assert said.startswith("Too many attempts on this account. Try again in")
    assert 1 <= int(visitor.headers["Retry-After"]) <= 60
    assert visitor.form()[1]["email"] == "noor@example.com"


def test_who_is_not_signed_in_comes_back_to_what_they_wanted(shop: Shop) -> None:
    hire(shop, "trainer")
    workshop_id = shop.plan()
    for path in ("/trainer", f"/trainer/workshops/{workshop_id}", "/trainer/workshops/new", "/staff"):
        visitor = Visitor(shop).open(path)
        assert (visitor.status, visitor.page.titles["h1"]) == (200, "Staff sign-in")
        assert visitor.form()[1]["next"] == path


@pytest.mark.parametrize("role", ["finance", "ops"])
def test_other_roles_have_no_business_with_workshops(shop: Shop, role: str) -> None:
    workshop_id = shop.plan()
    visitor = signed_in(shop, uuid4(), roles=(role,))
    for path in (
        "/trainer",
        "/trainer/workshops/new",
        f"/trainer/workshops/{workshop_id}",
        f"/trainer/workshops/{workshop_id}/print",
        "/staff",
    ):
        visitor.open(path)
        assert (visitor.status, visitor.page.titles["h1"]) == (403, "You may not do this"), path


def test_administrators_see_the_accounts(shop: Shop) -> None:
    hire(shop, "ops")
    with shop.service.transactions.begin() as tx:
        handlers.close_staff(CloseStaff(email="noor@example.com"), tx)
    visitor = signed_in(shop, uuid4(), roles=("admin",)).open("/staff")
    assert visitor.status == 200
    assert "Mira Lindqvist trainer@example.com trainer CSPO, CSM Open" in visitor.text
    assert "Noor Haddad noor@example.com ops – Closed" in visitor.text


def test_signing_out_ends_the_session_and_not_only_the_cookie(shop: Shop) -> None:
    hire(shop, "admin")
    visitor = at_door(shop).send(email="noor@example.com", password=PASSWORD)
    name = cookie_name("rostrum_staff", secure=False)
    cookie = visitor.client.get_cookie(name)
    assert cookie is not None
    visitor.open("/staff")
    out = next(form for action, form, _ in visitor.page.forms if action == "/staff/logout")
    assert visitor.client.post("/staff/logout", data={}).status_code == 403, "not from another site"
    assert visitor.client.post("/staff/logout", data=out).status_code == 303
    assert visitor.client.get_cookie(name) is None
    visitor.client.set_cookie(name, cookie.value)
    assert visitor.open("/staff").page.titles["h1"] == "Staff sign-in"
