"""What the sandboxes share: one look, and the manners of a web page."""

from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, request

_HERE = Path(__file__).parent

# The mailbox shows what others wrote: nothing of it may run, load or send anything.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def dress(app: Flask, *, title: str, notice: str) -> None:
    """Give a sandbox the family's pages: extend `sandbox/base.html`, which shows `title` and `notice`."""
    app.register_blueprint(
        Blueprint(
            "look",
            __name__,
            template_folder=str(_HERE / "templates"),
            static_folder=str(_HERE / "static"),
            static_url_path="/_sandbox/static",
        )
    )
    app.context_processor(lambda: {"sandbox_title": title, "sandbox_notice": notice})
    app.before_request(_refuse_other_sites)
    app.after_request(_protect)
    app.add_url_rule("/healthz", "healthz", lambda: Response("ok\n", content_type="text/plain"))
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024


def wants_page() -> bool:
    """Whether a browser's form sent the request, so that the answer is a page and not JSON."""
    return request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")


def see_other(url: str) -> Response:
    """After a form: look at this page."""
    return Response(status=303, headers={"Location": url})


def _refuse_other_sites() -> None:
    """A page elsewhere must not press our buttons. Clients other than browsers send neither header."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    # Our own pages send no referrer, and browsers then say "null" here; the other header still tells the truth.
    origin = request.headers.get("Origin", "null")
    foreign = origin != "null" and urlsplit(origin).netloc != request.host
    if foreign or request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site"):
        abort(403, "This form was sent from another site.")


def _protect(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Cache-Control"] = "no-store"
    return response
