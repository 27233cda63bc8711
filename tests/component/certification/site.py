"""Certification's web app beside the line that fills its database."""

import re
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.certification.app import build
from services.certification.settings import Settings
from shared.auth.principal import Principal
from shared.auth.staff_cookie import StaffCookie
from shared.config import load_settings
from shared.ids import new_id
from shared.service import Overrides
from shared.web.app import create_web
from tests.component.certification.events import Story
from tests.component.certification.line import Line
from tests.component.certification.running import Running


class Site:
    """The app, links and sign-ins."""

    def __init__(self, beside: Line | Running) -> None:
        environ = {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": beside.url, "ROSTRUM_TEST": "1"}
        self.settings = load_settings(Settings, environ)
        self.service = build(self.settings, overrides=Overrides(clock=beside.clock), registry=beside.registry)
        self.app = create_web(self.service)
        self.visitor = self.app.test_client()

    def path(self, story: Story, version: int = 1) -> str:
        """The attendee's link."""
        return f"/certificates/{self.token(story.enrollment_id, version)}"

    def token(self, subject_id: UUID, version: int = 1, purpose: str = "certificate") -> str:
        """A genuine token."""
        return self.service.links.issue(purpose, subject_id, version)

    def staff(self, *roles: str) -> FlaskClient:
        """A browser in which somebody with these roles is signed in."""
        client = self.app.test_client()
        cookie = StaffCookie(self.settings.staff_keys, secure=False)
        who = Principal.sign_in(staff_id=new_id(), name="Olga Ops", roles=roles)
        client.set_cookie(cookie.name, cookie.issue(who))
        return client

    def close(self) -> None:
        """Give the database back."""
        self.service.engine.dispose()


def send(client: FlaskClient, page: str, action: str, **fields: str) -> TestResponse:
    """Fill in the form on `page` and send it to `action`."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found, "the page has no form"
    data: dict[str, Any] = {**fields, "csrf_token": found[1]}
    return client.post(action, data=data)
