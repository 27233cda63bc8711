"""A browser at enrollment's door, signed in or not."""

from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient

from shared.auth.principal import Principal
from shared.auth.staff_cookie import StaffCookie
from shared.web.app import create_web
from shared.web.csrf import HEADER, csrf_token
from shared.web.idempotency import HEADER as KEY
from tests.component.enrollment.shop import Shop


class Browser:
    """Calls the API as one person. A signed-in one sends the form token that its pages would hold."""

    def __init__(
        self, shop: Shop, *, staff_id: UUID | None = None, roles: tuple[str, ...] = ("trainer",)
    ) -> None:
        self.app: Flask = create_web(shop.service)
        self.client: FlaskClient = self.app.test_client()
        self._token: dict[str, str] = {}
        if staff_id is not None:
            cookie = StaffCookie(shop.service.settings.staff_keys, secure=False)
            self.principal = Principal.sign_in(staff_id=staff_id, name="Mira Lindqvist", roles=roles)
            value = cookie.issue(self.principal)
            self.client.set_cookie(cookie.name, value)
            with self.app.test_request_context(headers={"Cookie": f"{cookie.name}={value}"}):
                self._token = {HEADER: csrf_token()}

    @property
    def headers(self) -> dict[str, str]:
        """What an unsafe call needs, with a new key each time."""
        return {**self._token, KEY: str(uuid4())}
