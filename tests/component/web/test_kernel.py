"""The web kernel around a tiny service: headers, API, problems, log, assets, health."""

import gzip
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from shared.service import Service
from shared.web.app import create_web
from tests.support.demo_service import (
    KNOWN,
    demo_service,
    sign_in,
    token_in,
)

STAFF = "rostrum_staff"


def body_of(response: Any) -> Any:
    """A JSON answer."""
    return response.get_json()


class TestHeaders:
    @pytest.mark.parametrize(
        "path",
        ["/", "/nowhere", "/broken", "/demo/api/parcels/", "/demo/api/nothing", "/healthz", "/things/x"],
    )
    def test_every_answer_carries_them(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "object-src 'none'; base-uri 'none'; frame-ancestors 'none'" in policy
        assert "form-action 'self' https://checkout.example" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Correlation-ID"]

    def test_link_pages_send_no_referrer(self, client: FlaskClient, service: Service) -> None:
        assert client.get("/").headers["Referrer-Policy"] == "same-origin"
        token = service.links.issue("thing", KNOWN, 2)
        assert client.get(f"/things/{token}").headers["Referrer-Policy"] == "no-referrer"
        assert client.get("/things/broken").headers["Referrer-Policy"] == "no-referrer"

    def test_hsts_on_https_only(self, client: FlaskClient) -> None:
        assert "Strict-Transport-Security" not in client.get("/").headers
        secure = client.get("/", base_url="https://localhost")
        assert secure.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    def test_proxies_are_believed_only_when_there_are_some(self, client: FlaskClient, tmp_path: Path) -> None:
        forwarded = {"X-Forwarded-Proto": "https"}
        assert "Strict-Transport-Security" not in client.get("/", headers=forwarded).headers
        behind = demo_service(tmp_path, TRUSTED_PROXIES="1")
        app = create_web(behind, folder=tmp_path)
        assert "Strict-Transport-Security" in app.test_client().get("/", headers=forwarded).headers
        behind.engine.dispose()

    def test_inline_scripts_need_this_answers_nonce(self, client: FlaskClient) -> None:
        first, second = client.get("/demo/docs"), client.get("/demo/docs")
        nonces = [
            re.search(r"'nonce-([^']+)'", r.headers["Content-Security-Policy"]) for r in (first, second)
        ]
        assert nonces[0]
        assert nonces[1]
        assert nonces[0][1] != nonces[1][1]
        assert f'nonce="{nonces[0][1]}"' in first.text

    def test_correlation_id_is_taken_or_made(self, client: FlaskClient) -> None:
        given = client.get("/", headers={"X-Correlation-ID": "trace-0001"})
        assert given.headers["X-Correlation-ID"] == "trace-0001"
        hostile = client.get("/", headers={"X-Correlation-ID": "<script>alert(1)</script>"})
        assert UUID(hostile.headers["X-Correlation-ID"])


class TestApi:
    def test_public_post_needs_no_token_but_a_staff_cookie_does(
        self, app: Flask, client: FlaskClient
    ) -> None:
        assert client.post("/demo/api/parcels/", json={"name": "x"}).status_code == 201
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        refused = client.post("/demo/api/parcels/", json={"name": "x"})
        assert (refused.status_code, body_of(refused)["code"]) == (403, "form_too_old")
        token = token_in(client.get("/form").text)
        headers = {"X-CSRF-Token": token}
        assert client.post("/demo/api/parcels/", json={"name": "x"}, headers=headers).status_code == 201

    def test_errors_name_the_field(self, client: FlaskClient) -> None:
        response = client.post(
            "/demo/api/parcels/", json={"attendees": [{"email": "a@b.org"}, {"email": "no"}]}
        )
        problem = body_of(response)
        assert response.status_code == 422
        assert response.mimetype == "application/problem+json"
        assert problem["type"] == "http://127.0.0.1:8000/demo/docs/problems#invalid"
        assert problem["correlation_id"] == response.headers["X-Correlation-ID"]
        assert {"field": "name", "detail": "Missing data for required field."} in problem["errors"]
        assert {"field": "attendees.1.email", "detail": "Not a valid email address."} in problem["errors"]

    def test_allow_is_kept(self, client: FlaskClient) -> None:
        response = client.delete("/demo/api/parcels/")
        assert response.status_code == 405
        assert response.mimetype == "application/problem+json"
        assert {"GET", "POST"} <= {word.strip() for word in response.headers["Allow"].split(",")}

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{", 400, "malformed"),
            (b'{"name": "\\u0000"}', 400, "unclean_text"),
            (b'{"name": "\\ud800"}', 400, "unclean_text"),
            (b"[" * 100_000 + b'"\\u0000"', 400, "malformed"),
            (b"[" * 100_000, 400, "malformed"),
            (b'{"number": ' + b"1" * 5_000 + b"}", 400, "malformed"),
            (b"x" * (2 * 1024 * 1024), 413, "too_large"),
        ],
    )
    def test_bodies_that_cannot_be_read(
        self, client: FlaskClient, body: bytes, status: int, code: str
    ) -> None:
        response = client.post("/demo/api/parcels/", data=body, content_type="application/json")
        assert (response.status_code, body_of(response)["code"]) == (status, code)

    def test_unknown_paths_are_problems_too(self, client: FlaskClient) -> None:
        assert client.get("/demo/api/nothing").mimetype == "application/problem+json"
        assert client.get("/nothing").mimetype == "text/html"
        assert (
            client.get("/nothing", headers={"Accept": "application/json"}).mimetype
            == "application/problem+json"
        )

    def test_the_document_says_who_may_call(self, client: FlaskClient) -> None:
        document: Any = client.get("/demo/api/openapi.json").json
        assert document["openapi"] == "3.1.0"
        closing = document["paths"]["/demo/api/parcels/{parcel_id}/closing"]["post"]
        assert closing["security"] == [{"staff": [], "form": []}]
        assert document["paths"]["/demo/api/parcels/"]["get"]["security"] == []
        assert closing["responses"].keys() >= {"200", "400", "401", "403", "404", "500", "503"}
        assert list(closing["responses"]["401"]["content"]) == ["application/problem+json"]

    def test_another_kind_of_content_is_refused_as_such(self, client: FlaskClient) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
            refused = client.post("/demo/api/parcels/", data="name=one", content_type=kind)
            assert (refused.status_code, body_of(refused)["code"]) == (415, "unsupported_media_type")
        assert client.post("/demo/api/parcels/").status_code == 422
        patch = client.post(
            "/demo/api/parcels/", data=b'{"name": "one"}', content_type="application/merge-patch+json"
        )
        assert patch.status_code == 201

    def test_kinds_of_problems_are_explained(self, client: FlaskClient) -> None:
        text = client.get("/demo/docs/problems").text
        for kind in ("conflict", "bad-link", "invalid", "unexpected", "form-too-old"):
            assert f'id="{kind}"' in text


class TestErrors:
    def test_unexpected_ones_say_nothing_of_the_cause(self, client: FlaskClient) -> None:
        with structlog.testing.capture_logs() as lines:
            response = client.get("/broken")
        assert response.status_code == 500
        assert "ada@example.org" not in response.text
        assert response.headers["X-Correlation-ID"] in response.text
        assert "ada@example.org" not in json.dumps(lines, default=str)
        assert any(line["event"] == "request_failed" for line in lines)

    def test_expected_ones_say_what_to_do(self, client: FlaskClient) -> None:
        response = client.get("/full")
        assert response.status_code == 409
        assert "Choose another date." in response.text

    def test_database_away_is_503(self, app: Flask, client: FlaskClient, service: Service) -> None:
        client.set_cookie(STAFF, sign_in(app, "trainer")[1])
        Path(service.engine.url.database or "").unlink()
        service.engine.dispose()
        Path(service.engine.url.database or "").mkdir()
        response = client.get("/trainer/desk")
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert client.get("/").status_code == 200


class TestLog:
    def test_one_line_without_the_token(self, client: FlaskClient, service: Service) -> None:
        token = service.links.issue("thing", KNOWN, 2)
        with structlog.testing.capture_logs() as lines:
            client.get(f"/things/{token}?email=ada@example.org")
            client.get(f"/things/{token}/more")
        lines = [line for line in lines if line["event"] == "request"]
        assert [line["status"] for line in lines] == [200, 404]
        assert lines[0]["path"] == "/things/[masked]"
        assert lines[1]["path"] == "/things/[masked]/more"
        assert token not in json.dumps(lines)
        assert "ada" not in json.dumps(lines)


class TestAssets:
    def test_are_local_versioned_and_small(self, client: FlaskClient) -> None:
        html = client.get("/").text
        addresses = re.findall(r'(?:href|src)="(/demo/static/[^"]+)"', html)
        assert len(addresses) == 3
        total = len(gzip.compress(html.encode()))
        for address in addresses:
            response = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert response.status_code == 200
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            total += len(response.data)
        assert total <= 80_000
        assert "//" not in re.sub(r"https?://www\.w3\.org", "", "".join(addresses))

    def test_pages_are_packed_for_who_takes_it(self, client: FlaskClient) -> None:
        plain = client.get("/")
        packed = [client.get("/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
        assert "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert {answer.headers["Content-Encoding"] for answer in packed} == {"gzip"}
        assert {gzip.decompress(answer.data)[:40] for answer in packed} == {plain.data[:40]}
        assert len(packed[0].data) < len(plain.data) / 1.5
        assert len({len(answer.data) for answer in packed}) > 1, "the length tells nothing exact"

    def test_the_name_holds_a_hash_and_an_older_name_still_leads_to_the_file(
        self, client: FlaskClient
    ) -> None:
        (address,) = re.findall(r'href="(/demo/static/[0-9a-f]{12}/rostrum.css)"', client.get("/").text)
        today = client.get(address)
        assert "immutable" in today.headers["Cache-Control"]
        older = client.get("/demo/static/0123456789ab/rostrum.css")
        assert older.data == today.data
        assert older.headers["Cache-Control"] == "public, no-cache"

    def test_conditional_and_unversioned(self, client: FlaskClient) -> None:
        first = client.get("/demo/static/rostrum.css")
        assert first.headers["Cache-Control"] == "public, no-cache"
        assert first.headers["Vary"] == "Accept-Encoding"
        again = client.get("/demo/static/rostrum.css", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304

    @pytest.mark.parametrize(
        "name",
        ["../app.py", "..%2fapp.py", "swagger-ui/../../x", "0123456789ab/../../app.py", "nothing.css", ""],
    )
    def test_nothing_else_is_served(self, client: FlaskClient, name: str) -> None:
        response = client.get(f"/demo/static/{name}")
        assert response.status_code == 404
        assert response.headers["Cache-Control"] == "no-store"


class TestHealth:
    def test_alive_and_ready(self, client: FlaskClient) -> None:
        assert client.get("/healthz").json == {"service": "demo", "ok": True}
        response = client.get("/readyz")
        assert response.status_code == 200
        assert body_of(response)["checks"] == {"database": {"ok": True}, "migrations": {"ok": True}}

    def test_not_ready_before_its_migrations(self, client: FlaskClient, tmp_path: Path) -> None:
        (tmp_path / "migrations" / "versions" / "0001_first.py").write_text(
            'revision = "0001"\ndown_revision = None\n'
        )
        response = client.get("/readyz")
        assert response.status_code == 503
        assert body_of(response)["checks"]["database"] == {"ok": True}
        assert "migrations" in body_of(response)["checks"]["migrations"]["detail"]
        assert client.get("/healthz").status_code == 200
