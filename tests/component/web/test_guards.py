"""Who may come in: the web kernel's guards, links and form tokens around a tiny service."""

from pathlib import Path

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from shared.auth.refusals import RefuseBefore, RefuseSession, refuse_before, refuse_session
from shared.service import Service
from shared.web.app import UndeclaredAccess, create_web
from tests.support.demo_service import (
    KNOWN,
    UNHEARD,
    demo_service,
    sign_in,
    token_in,
)

STAFF = "rostrum_staff"


class TestAccess:
    def test_refuses_to_start_with_an_undeclared_view(self, service: Service, tmp_path: Path) -> None:
        careless = Blueprint("careless", __name__)

        @careless.get("/open")
        def open_door() -> str:
            return "come in"

        service = demo_service(tmp_path, blueprints=(careless,))
        with pytest.raises(UndeclaredAccess, match=r"careless\.open_door"):
            create_web(service, folder=tmp_path)

    def test_staff_pages_ask_to_sign_in_and_come_back(self, client: FlaskClient) -> None:
        response = client.get("/trainer/desk?day=2")
        assert response.status_code == 303
        assert response.location == "/staff/login?next=/trainer/desk%3Fday%3D2"

    def test_a_form_of_an_ended_session_leads_to_sign_in(self, client: FlaskClient) -> None:
        response = client.post("/trainer/desk", headers={"Referer": "http://localhost/trainer/desk"})
        assert response.status_code == 303
        assert response.location == "/staff/login?next=/trainer/desk"

    def test_role_opens_or_not(self, app: Flask, client: FlaskClient) -> None:
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        assert client.get("/trainer/desk").text == "hello Tess Trainer"
        client.set_cookie(STAFF, sign_in(app, "finance")[1])
        refused = client.get("/trainer/desk")
        assert refused.status_code == 403
        assert "admin or trainer" in refused.text

    def test_api_answers_401_as_a_problem(self, client: FlaskClient) -> None:
        response = client.post(f"/demo/api/parcels/{KNOWN}/closing")
        assert response.status_code == 401
        assert response.mimetype == "application/problem+json"
        assert response.headers["WWW-Authenticate"]

    def test_an_ended_session_is_refused(self, app: Flask, client: FlaskClient, service: Service) -> None:
        principal, cookie = sign_in(app, "trainer")
        client.set_cookie(STAFF, cookie)
        assert client.get("/trainer/desk").status_code == 200
        with service.transactions.begin() as tx:
            refuse_session(RefuseSession(session_id=principal.session_id), tx)
            refuse_session(RefuseSession(session_id=principal.session_id), tx)
        assert client.get("/trainer/desk").status_code == 303
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        assert client.get("/trainer/desk").status_code == 200

    def test_a_changed_account_signs_in_again(
        self, app: Flask, client: FlaskClient, service: Service
    ) -> None:
        principal, cookie = sign_in(app, "trainer")
        client.set_cookie(STAFF, cookie)
        # A sandbox's business clock may be days ahead; that must not shut the account for days.
        ahead = principal.issued_at.replace(year=principal.issued_at.year + 1)
        with service.transactions.begin() as tx:
            refuse_before(RefuseBefore(staff_id=principal.staff_id, changed_at=ahead), tx)
            refuse_before(RefuseBefore(staff_id=principal.staff_id, changed_at=principal.issued_at), tx)
        assert client.get("/trainer/desk").status_code == 303
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        assert client.get("/trainer/desk").status_code == 200

    def test_on_https_only_the_prefixed_cookie_counts(self, tmp_path: Path) -> None:
        service = demo_service(tmp_path, PUBLIC_URL="https://rostrum.example")
        app = create_web(service, folder=tmp_path)
        client = app.test_client()
        cookie = sign_in(app, "trainer")[1]
        client.set_cookie(STAFF, cookie)
        assert client.get("/trainer/desk").status_code == 303
        client.set_cookie(f"__Host-{STAFF}", cookie)
        assert client.get("/trainer/desk").status_code == 200
        service.engine.dispose()


class TestLinks:
    def test_genuine_opens(self, client: FlaskClient, service: Service) -> None:
        token = service.links.issue("thing", KNOWN, 2)
        assert client.get(f"/things/{token}").text == f"thing {KNOWN}"

    def test_changed_cut_and_foreign_do_not(self, client: FlaskClient, service: Service) -> None:
        token = service.links.issue("thing", KNOWN, 2)
        other = service.links.issue("other", KNOWN, 2)
        for bad in (token[:-1], token[1:], f"x{token}", other, "x", "%00", "a" * 3000):
            response = client.get(f"/things/{bad}")
            assert response.status_code == 404, bad
            assert "This link does not work" in response.text
            assert "Open it again from the e-mail" in response.text

    def test_replaced_points_to_the_newest_mail(self, client: FlaskClient, service: Service) -> None:
        response = client.get(f"/things/{service.links.issue('thing', KNOWN, 1)}")
        assert response.status_code == 410
        assert "newest e-mail" in response.text

    def test_one_moment_refreshes_but_not_for_ever(self, client: FlaskClient, service: Service) -> None:
        path = f"/things/{service.links.issue('thing', UNHEARD, 1)}"
        response = client.get(path)
        assert (response.status_code, response.headers["Refresh"]) == (202, "2; url=?moment=1")
        assert "One moment" in response.text
        last = client.get(f"{path}?moment=30")
        assert "Refresh" not in last.headers
        assert "longer than usual" in last.text
        newer = client.get(f"/things/{service.links.issue('thing', KNOWN, 3)}")
        assert newer.headers["Refresh"]


class TestForms:
    def test_token_is_needed(self, client: FlaskClient) -> None:
        response = client.post("/form", data={"name": "x"})
        assert response.status_code == 403
        assert "This page was open too long" in response.text
        assert "Nothing was sent" in response.text

    def test_token_of_the_page_works(self, client: FlaskClient) -> None:
        token = token_in(client.get("/form").text)
        assert client.post("/form", data={"name": "x", "csrf_token": token}).status_code == 303

    def test_token_of_somebody_else_does_not(self, app: Flask, client: FlaskClient) -> None:
        stranger = app.test_client()
        token = token_in(stranger.get("/form").text)
        client.get("/form")
        assert client.post("/form", data={"name": "x", "csrf_token": token}).status_code == 403

    def test_token_ends_with_the_session(self, app: Flask, client: FlaskClient) -> None:
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        token = token_in(client.get("/form").text)
        assert client.post("/trainer/desk", data={"csrf_token": token}).status_code == 200
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        assert client.post("/trainer/desk", data={"csrf_token": token}).status_code == 403

    def test_errors_come_back_with_what_was_typed(self, client: FlaskClient) -> None:
        token = token_in(client.get("/form").text)
        hostile = '"><script>alert(1)</script>' + "x" * 40
        response = client.post(
            "/form", data={"name": hostile, "csrf_token": token, "attendees-0-email": "a@"}
        )
        assert response.status_code == 422
        assert "<title>Error: Send – Rostrum</title>" in response.text
        assert "There is a problem" in response.text
        assert 'href="#attendees-0-email"' in response.text
        assert 'aria-describedby="attendees-0-email-error" aria-invalid="true"' in response.text
        assert "<script>alert" not in response.text
        assert "&lt;script&gt;alert(1)" in response.text

    def test_signed_webhooks_need_none(self, client: FlaskClient) -> None:
        assert client.post("/webhooks/partner", data=b"{}").text == "noted"
