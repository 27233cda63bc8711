"""Form tokens: an unsafe request must show something that only one of our own pages could know.

A token is bound to the staff session, or for everybody else to an anonymous cookie. It does not run out by
itself: it ends with the session it is bound to. Calls to the public API without a staff cookie need none,
because nothing that a browser adds by itself authorises them.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadData

from shared.auth.guards import access_of, authenticator, signed_in
from shared.auth.signing import serializer
from shared.auth.staff_cookie import cookie_name
from shared.errors import Forbidden
from shared.web.kind import is_api

F = TypeVar("F", bound=Callable[..., Any])

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_EXEMPT = "__rostrum_csrf_exempt__"
_EXTENSION = "rostrum-form-tokens"


class FormTooOld(Forbidden):
    """The form's token is missing or belongs to a session that has ended."""

    title = "This page was open too long"

    def __init__(self) -> None:
        super().__init__(
            "form_too_old",
            "Nothing was sent. Go back, reload the page and send it again; you may have to sign in first.",
        )


def csrf_exempt(why: str) -> Callable[[F], F]:
    """This view needs no form token: say what authorises its callers instead."""
    if not why:
        raise ValueError("@csrf_exempt needs a reason")

    def mark(view: F) -> F:
        setattr(view, _EXEMPT, why)
        return view

    return mark


class FormTokens:
    """Issues and checks the tokens of one app."""

    def __init__(self, keys: Sequence[str], *, secure: bool) -> None:
        self.cookie = cookie_name("rostrum_form", secure=secure)
        self.secure = secure
        self._serializer = serializer(keys, "rostrum.form")

    def issue(self) -> str:
        """The token for a form on this page; everybody who is not signed in gets the anonymous cookie."""
        return str(self._serializer.dumps(_digest(self._binding() or self._new_binding())))

    def accepts(self, token: str) -> bool:
        """Whether the token was made for whoever sends it."""
        binding = self._binding()
        if binding is None:
            return False
        try:
            return secrets.compare_digest(str(self._serializer.loads(token)), _digest(binding))
        except (BadData, UnicodeEncodeError, TypeError):
            return False

    def _binding(self) -> str | None:
        principal = signed_in()
        if principal is not None:
            return f"session:{principal.session_id}"
        anonymous = request.cookies.get(self.cookie) or g.get("rostrum_form_cookie")
        return f"anonymous:{anonymous}" if anonymous else None

    def _new_binding(self) -> str:
        g.rostrum_form_cookie = secrets.token_urlsafe(18)
        return f"anonymous:{g.rostrum_form_cookie}"

    def remember(self, response: Response) -> Response:
        """Give the browser the anonymous cookie that a form of this response is bound to."""
        if "rostrum_form_cookie" in g:
            response.set_cookie(
                self.cookie,
                g.rostrum_form_cookie,
                path="/",
                secure=self.secure,
                httponly=True,
                samesite="Lax",
            )
        return response


def csrf_token() -> str:
    """The token for a form or a script on this page."""
    return cast(FormTokens, current_app.extensions[_EXTENSION]).issue()


def install_csrf(app: Flask, tokens: FormTokens) -> None:
    """Check every unsafe request of the app."""
    app.extensions[_EXTENSION] = tokens

    def check() -> None:
        if request.method in _SAFE or not _needs_token():
            return
        token = request.headers.get(HEADER) or request.form.get(FIELD, "")
        if not tokens.accepts(token):
            raise FormTooOld()

    app.before_request(check)
    app.after_request(tokens.remember)


def _needs_token() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or hasattr(view, _EXEMPT):
        return False
    if is_api() and authenticator().cookie.name not in request.cookies:
        return False
    access = access_of(view)
    # Whoever is not signed in (any more) is asked to sign in, which says more than "too old".
    return not (access is not None and access.kind == "staff" and signed_in() is None)


def _digest(binding: str) -> str:
    return hashlib.sha256(binding.encode()).hexdigest()[:32]
