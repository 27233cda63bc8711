"""The sandbox as one Flask application."""

from flask import Flask, Response, request

from deploy.sandbox.stripe import control, dashboard, hosted, routes
from deploy.sandbox.stripe.config import StripeSandboxConfig
from deploy.sandbox.stripe.currencies import show
from deploy.sandbox.stripe.dashboard import show_time
from deploy.sandbox.stripe.errors import ApiError
from deploy.sandbox.stripe.sandbox import EXTENSION, Sandbox

# Without `form-action`: browsers apply it to redirects too, and a paid form leads back to the shop.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def create_app(config: StripeSandboxConfig) -> Flask:
    """The application. Webhooks and expiry need `start_background(app)` in the process that serves it."""
    # The stylesheet is the whole family's.
    app = Flask("deploy.sandbox.stripe", static_url_path="/_sandbox/static", static_folder="../static")
    app.extensions[EXTENSION] = Sandbox(config)
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.config["MAX_FORM_PARTS"] = 10_000
    app.jinja_env.filters["money"] = show
    app.jinja_env.filters["utc"] = show_time
    app.register_blueprint(routes.make_blueprint())
    app.register_blueprint(hosted.blueprint)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(dashboard.blueprint)
    app.before_request(_refuse_other_sites)
    app.after_request(_protect)
    app.add_url_rule("/healthz", "healthz", lambda: Response("ok\n", content_type="text/plain"))
    return app


def _refuse_other_sites() -> tuple[dict[str, object], int] | None:
    """A page elsewhere must not press our buttons. Clients other than browsers do not send this header."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") in (
        "cross-site",
        "same-site",
    ):
        return ApiError(403, "This form was sent from another site.").body(), 403
    return None


def _protect(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Cache-Control"] = "no-store"
    return response
