"""Addresses we send a browser to."""

from urllib.parse import quote, urlsplit

from flask import request

SIGN_IN = "/staff/login"


def safe_next(address: str | None) -> str | None:
    """`address` when it is a path of this site, else None: a sign-in must not end somewhere else."""
    if not address or not address.startswith("/") or address.startswith("//") or len(address) > 2000:
        return None
    # Browsers read a backslash as a slash, and drop control characters, before they look for the host.
    if "\\" in address or any(ord(character) < 33 or ord(character) == 127 for character in address):
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address


def sign_in_address() -> str:
    """The sign-in page, coming back to where the visitor was."""
    if request.method in {"GET", "HEAD"}:
        wanted = request.full_path.rstrip("?")
    else:
        # A form cannot be sent again by a redirect; the page it was on can.
        came_from = urlsplit(request.referrer or "")
        wanted = came_from.path if came_from.netloc == request.host else ""
    back = safe_next(wanted)
    return f"{SIGN_IN}?next={quote(back, safe='/')}" if back else SIGN_IN
