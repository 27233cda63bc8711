"""One sign-in for three services, and one sign-out."""

from tests.support.in_process import PASSWORD, Visitor, WholeSite

PAGES = {"enrollment": "/staff", "payment": "/finance", "certification": "/certificates/activations"}


def pages_open_to(visitor: Visitor) -> set[str]:
    """The services that still take the cookie."""
    return {
        name
        for name, path in PAGES.items()
        if visitor.open(path).status == 200 and "Staff sign-in" not in visitor.text
    }


def test_signing_out_refuses_the_old_cookie_in_all_three_services(rostrum: WholeSite) -> None:
    visitor = rostrum.visitor()
    visitor.open(f"{rostrum.url}/staff/login")
    visitor.submit({"email": "admin@example.com", "password": PASSWORD}, having="password")
    kept = visitor._session.cookies.copy()
    assert pages_open_to(visitor) == set(PAGES)

    # The bus is slow: enrollment knows at once, the others when the news arrives.
    rostrum.prompt = False
    visitor.open("/staff")
    sign_out = next(form for form in visitor._page.forms if form.action == "/staff/logout")
    answer = visitor._session.post(f"{rostrum.url}/staff/logout", data=sign_out.fields, allow_redirects=False)
    assert answer.status_code == 303
    thief = rostrum.visitor()
    thief._session.cookies.update(kept)
    assert pages_open_to(thief) == {"payment", "certification"}

    rostrum.carry()
    assert pages_open_to(thief) == set()
    # A new session of the same person is another one.
    visitor.open(f"{rostrum.url}/staff/login")
    visitor.submit({"email": "admin@example.com", "password": PASSWORD}, having="password")
    assert pages_open_to(visitor) == set(PAGES)
