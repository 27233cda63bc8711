"""The staff cookie: signed, written by the service that owns staff accounts, read by all."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from itsdangerous import BadData
from werkzeug.wrappers import Response

from shared.auth.principal import Principal
from shared.auth.signing import serializer

LIFETIME = timedelta(hours=12)
"""After this a sign-in ends, however busy it was."""

_LEEWAY = timedelta(minutes=5)
# Clocks of two machines differ a little; a cookie from the future beyond this was not made by us.


def cookie_name(plain: str, *, secure: bool) -> str:
    """`__Host-` binds a cookie to this very host and to https, so that no neighbour can plant one.

    Plain http is the sandbox on this machine; there the prefix goes, because clients other than browsers
    drop Secure cookies.
    """
    return f"__Host-{plain}" if secure else plain


class StaffCookie:
    """Writes and reads the cookie. The newest key signs, all verify."""

    def __init__(self, keys: Sequence[str], *, secure: bool) -> None:
        self.secure = secure
        self.name = cookie_name("rostrum_staff", secure=secure)
        self._serializer = serializer(keys, "rostrum.staff")

    def issue(self, principal: Principal) -> str:
        """The cookie's value."""
        return str(
            self._serializer.dumps(
                {
                    "staff": principal.staff_id.hex,
                    "name": principal.name,
                    "roles": sorted(principal.roles),
                    "session": principal.session_id.hex,
                    "at": principal.issued_at.timestamp(),
                }
            )
        )

    def write(self, response: Response, principal: Principal) -> None:
        """Sign `principal` in with this response."""
        response.set_cookie(
            self.name,
            self.issue(principal),
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def clear(self, response: Response) -> None:
        """Take the cookie away from the browser; the session itself is refused by an event."""
        response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def read(self, cookies: Mapping[str, str]) -> Principal | None:
        """Who the cookie says is signed in; None without a cookie that is genuine and young enough."""
        value = cookies.get(self.name)
        if not value:
            return None
        try:
            principal = _principal(self._serializer.loads(value))
        except (BadData, KeyError, TypeError, ValueError, OverflowError):
            return None
        age = datetime.now(UTC) - principal.issued_at
        return principal if -_LEEWAY <= age < LIFETIME else None


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(
        staff_id=UUID(claims["staff"]),
        name=str(claims["name"]),
        roles=frozenset(str(role) for role in claims["roles"]),
        session_id=UUID(claims["session"]),
        issued_at=datetime.fromtimestamp(claims["at"], UTC),
    )
