"""Security headers on every response, also on errors: the whole policy is read here, in one place."""

import secrets
from collections.abc import Sequence
from typing import cast

from flask import Flask, Response, current_app, g, request

from shared.auth.guards import access_of

_STATIC = "static"


def csp_nonce() -> str:
    """The nonce an inline script or style of this response must carry."""
    if "rostrum_nonce" not in g:
        g.rostrum_nonce = secrets.token_urlsafe(16)
    return cast(str, g.rostrum_nonce)


def install_headers(app: Flask, *, form_origins: Sequence[str]) -> None:
    """Set the headers after every request. `form_origins` are where a form may lead besides this site.

    Browsers check `form-action` against every redirect after a form, so that a form which ends at another
    site (a hosted payment page, say) needs that site named here.
    """

    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = _policy(form_origins)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer" if _is_link_page() else "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if request.endpoint != _STATIC or response.status_code >= 400:
            headers["Cache-Control"] = "no-store"
        if request.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response

    app.after_request(add_headers)


def _policy(form_origins: Sequence[str]) -> str:
    nonce = f" 'nonce-{g.rostrum_nonce}'" if "rostrum_nonce" in g else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self'{nonce}",
            f"style-src 'self'{nonce}",
            # The stylesheet draws the shapes of states as data: images.
            "img-src 'self' data:",
            " ".join(("form-action 'self'", *form_origins)),
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _is_link_page() -> bool:
    # The address of a link page is a key: it must not travel to any other site, or page.
    view = current_app.view_functions.get(request.endpoint or "")
    access = access_of(view) if view is not None else None
    return access is not None and access.kind == "link"
