"""One Flask app from one `Service`: guards, headers, errors, assets and look are the same everywhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.auth.guards import Authenticator, access_of, signed_in
from shared.auth.principal import Principal
from shared.auth.refusals import is_refused
from shared.auth.staff_cookie import StaffCookie
from shared.ops.pages import ops_blueprint
from shared.service import Service
from shared.web.api import install_api
from shared.web.compression import install_compression
from shared.web.csrf import FormTokens, csrf_token, install_csrf
from shared.web.current import install_service
from shared.web.events_page import events_page
from shared.web.filters import install_filters
from shared.web.headers import csp_nonce, install_headers
from shared.web.health import health_blueprint, storage_checks
from shared.web.idempotency import install_idempotency
from shared.web.json_bodies import refuse_unstorable_text
from shared.web.kind import set_api_prefixes
from shared.web.metrics import metrics_blueprint
from shared.web.problems import install_problems
from shared.web.request_log import install_request_log
from shared.web.static_files import asset, install_static_files

LARGEST_BODY = 1024 * 1024

_ROOT = Path(__file__).resolve().parents[2]
_TEMPLATES = Path(__file__).parent / "templates"


class UndeclaredAccess(Exception):
    """A view does not say who may call it."""


def create_web(
    service: Service, *, folder: Path | None = None, together: Sequence[Service] | None = None
) -> Flask:
    """The service's web app. `folder` holds its `templates` and `static`; tests give another one.

    `together` are all services whose apps this process serves: their metrics are one answer.
    """
    folder = folder or _ROOT / "services" / service.name
    settings = service.settings
    app = Flask(service.name, static_folder=None, root_path=str(folder))
    # `//x` would be sent on to `/x` at whatever host the request claims to be for.
    app.url_map.merge_slashes = False
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=2000,
    )
    # Answers in the order in which their schemas tell them.
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]  # the documented way

    secure = settings.public_url.startswith("https:")
    types_at = f"{settings.public_url.rstrip('/')}/{service.name}/docs/problems"
    cookie = StaffCookie(settings.staff_keys, secure=secure)
    install_service(app, service)
    Authenticator(cookie=cookie, links=service.links, is_refused=_refusals(service)).install(app)
    set_api_prefixes(app, (f"/{service.name}/api/", "/webhooks/", "/healthz", "/readyz", "/metrics"))

    # Registered first, so that it packs what all the others have finished.
    install_compression(app)
    install_request_log(app, service.meter)
    install_headers(app, form_origins=service.form_origins)
    app.before_request(refuse_unstorable_text)
    install_csrf(app, FormTokens(settings.staff_keys, secure=secure))
    install_idempotency(app)
    install_problems(app, types_at=types_at)
    install_static_files(app, service.name, folder / "static")
    _install_templates(app, service, folder / "templates")

    for blueprint in service.blueprints:
        app.register_blueprint(blueprint)
    app.register_blueprint(health_blueprint(service.name, storage_checks(service)))
    app.register_blueprint(metrics_blueprint(together or [service]))
    app.register_blueprint(ops_blueprint(service))
    install_api(app, service.name, service.apis, staff_cookie=cookie.name, types_at=types_at)
    if service.events_document is not None:
        app.register_blueprint(events_page(service.name, service.events_document))
    require_declared_access(app)
    return app


def require_declared_access(app: Flask) -> None:
    """Raise when a view declares no access: deny by default begins before the first request."""
    undeclared = []
    for endpoint, view in app.view_functions.items():
        view_class: Any = getattr(view, "view_class", None)
        if view_class is None:
            views = [view]
        else:
            views = [getattr(view_class, method.lower()) for method in view_class.methods or ()]
        if any(access_of(each) is None for each in views):
            undeclared.append(endpoint)
    if undeclared:
        raise UndeclaredAccess(
            f"{app.name}: put @public, @staff or @link right below the route of {', '.join(undeclared)}"
        )


def _install_templates(app: Flask, service: Service, own: Path) -> None:
    app.jinja_loader = ChoiceLoader([FileSystemLoader(own), FileSystemLoader(_TEMPLATES)])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    install_filters(app)
    app.jinja_env.globals.update(
        asset=asset,
        csrf_token=csrf_token,
        csp_nonce=csp_nonce,
        viewer=viewer,
        business_now=service.clock.now,
        sandbox=service.settings.sandbox,
        service_name=service.name,
    )


def viewer() -> Principal | None:
    """Who is signed in, for the page's header: a page must not fail because this cannot be told."""
    try:
        return signed_in()
    except SQLAlchemyError:
        return None


def _refusals(service: Service) -> Callable[[Principal], bool]:
    def refused(principal: Principal) -> bool:
        with service.transactions.read() as session:
            return is_refused(session, principal)

    return refused
