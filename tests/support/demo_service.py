"""A tiny service, to try the web kernel without any of the real ones."""

import re
from pathlib import Path
from uuid import UUID

import flask_smorest
import marshmallow
from flask import Blueprint, Flask, request
from marshmallow import fields, validate
from werkzeug.wrappers import Response

from shared.auth.guards import current_staff, link, public, staff
from shared.auth.links import Link, NotHeardYet, check_version
from shared.auth.principal import Principal
from shared.config import KernelSettings, load_settings
from shared.db.base import new_metadata
from shared.db.kernel_tables import KERNEL_METADATA
from shared.errors import Conflict
from shared.messaging.bus import Manifest
from shared.messaging.event import EventRegistry
from shared.messaging.subscriptions import Subscriptions
from shared.service import Service, compose
from shared.web.csrf import csrf_exempt
from shared.web.current import current_service, request_tx
from shared.web.documented import shown
from shared.web.forms import load_form
from shared.web.pages import form_page, page, see_other

pages = Blueprint("pages", __name__)
api = flask_smorest.Blueprint("parcels", __name__, url_prefix="/parcels", description="Parcels")

KNOWN = UUID("018f0000-0000-7000-8000-000000000001")
UNHEARD = UUID("018f0000-0000-7000-8000-000000000002")


class AttendeeSchema(marshmallow.Schema):
    """One attendee."""

    email = fields.Email(
        required=True,
        error_messages={"required": "Enter an e-mail address"},
        metadata=shown("ada@example.com"),
    )


class ParcelSchema(marshmallow.Schema):
    """A parcel."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=40), metadata=shown("one"))
    attendees = fields.List(fields.Nested(AttendeeSchema), load_default=list)


@pages.get("/")
@public("the front page")
def front() -> Response:
    """The front page."""
    return page("demo/front.html")


@pages.route("/form", methods=["GET", "POST"])
@public("anybody may send a parcel")
def form() -> Response:
    """A form."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        _, errors = load_form(ParcelSchema(), request.form)
        if not errors:
            return see_other("/")
    return form_page("demo/form.html", errors, typed=request.form)


@pages.get("/things/<token>")
@link("thing")
def thing(link: Link) -> str:
    """A student's page."""
    if link.subject_id == UNHEARD:
        raise NotHeardYet()
    check_version(link, 2)
    return f"thing {link.subject_id}"


@pages.route("/trainer/desk", methods=["GET", "POST"])
@staff("trainer", "admin")
def desk() -> str:
    """A staff page."""
    return f"hello {current_staff().name}"


@pages.get("/broken")
@public("it breaks")
def broken() -> str:
    """An unexpected error with somebody's data in its message."""
    raise RuntimeError("could not read ada@example.org")


@pages.get("/full")
@public("it is full")
def full() -> str:
    """An expected refusal."""
    raise Conflict("full", "All seats are taken. Choose another date.")


@pages.post("/webhooks/partner")
@public("signed by the partner")
@csrf_exempt("signed by the partner")
def webhook() -> str:
    """Signed by somebody else."""
    return "noted"


@api.get("/")
@public("a public list")
@api.response(200, ParcelSchema(many=True))
def list_parcels() -> list[dict[str, str]]:
    """All parcels."""
    return [{"name": "one"}]


@api.post("/")
@public("anybody may send a parcel")
@api.arguments(ParcelSchema())
@api.response(201, ParcelSchema())
def send_parcel(data: dict[str, str]) -> dict[str, str]:
    """Send a parcel."""
    with request_tx() as tx:
        assert tx.correlation
    assert current_service().name == "demo"
    return data


@api.post("/<uuid:parcel_id>/closing")
@staff("trainer")
@api.response(200, ParcelSchema())
def close_parcel(parcel_id: UUID) -> dict[str, str]:
    """Close a parcel."""
    return {"name": str(parcel_id)}


def demo_settings(folder: Path, **environ: str) -> KernelSettings:
    """Sandbox settings on a database file in `folder`."""
    return load_settings(
        KernelSettings,
        {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite'}", **environ},
    )


def demo_service(
    folder: Path,
    *,
    blueprints: tuple[Blueprint, ...] = (pages,),
    apis: tuple[flask_smorest.Blueprint, ...] = (api,),
    **environ: str,
) -> Service:
    """The service, with its kernel tables made."""
    migrations = folder / "migrations"
    (migrations / "versions").mkdir(parents=True, exist_ok=True)
    service = compose(
        name="demo",
        settings=demo_settings(folder, **environ),
        registry=EventRegistry(),
        manifest=Manifest(),
        metadata=new_metadata(),
        migrations=migrations,
        subscriptions=Subscriptions(),
        blueprints=blueprints,
        apis=apis,
        form_origins=("https://checkout.example",),
    )
    KERNEL_METADATA.create_all(service.engine)
    return service


def write_templates(folder: Path) -> None:
    """The demo's own templates."""
    own = folder / "templates" / "demo"
    own.mkdir(parents=True, exist_ok=True)
    (own / "front.html").write_text(
        '{% extends "rostrum/page.html" %}{% block title %}Front{% endblock %}'
        "{% block content %}<h1>Front</h1>{% endblock %}"
    )
    (own / "form.html").write_text(
        '{% extends "rostrum/page.html" %}{% import "rostrum/macros.html" as ui with context %}'
        "{% block title %}Send{% endblock %}{% block content %}{{ ui.error_summary(errors) }}"
        '<form method="post">{{ ui.csrf() }}{{ ui.text_input("name", "Name", typed.name, errors) }}'
        '{{ ui.text_input("attendees-0-email", "E-mail", typed["attendees-0-email"], errors) }}'
        '{{ ui.button("Send") }}</form>{% endblock %}'
    )


def sign_in(app: Flask, *roles: str, name: str = "Tess Trainer") -> tuple[Principal, str]:
    """A principal with these roles, and the cookie that says so."""
    from shared.auth.guards import Authenticator

    principal = Principal.sign_in(staff_id=KNOWN, name=name, roles=roles)
    authenticator: Authenticator = app.extensions["rostrum-auth"]
    return principal, authenticator.cookie.issue(principal)


def token_in(html: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    return found[1]
