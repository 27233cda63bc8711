"""Staff: signing in and out. One cookie, written here, read by all three services."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate
from werkzeug.datastructures import MultiDict

from services.enrollment import handlers, queries, tasks
from services.enrollment.commands import EndSession
from services.enrollment.tasks.sign_in import Credentials, TooManyAtOnce, TooManyAttempts
from shared.auth.guards import authenticator, current_staff, public, signed_in, staff
from shared.errors import AppError
from shared.web.addresses import safe_next
from shared.web.current import current_service, request_tx
from shared.web.forms import load_form
from shared.web.pages import field_errors, form_page, page, see_other

blueprint = Blueprint("staff", __name__)

# Where each role works; the first that fits is where signing in leads.
_HOMES = (("trainer", "/trainer"), ("finance", "/finance"), ("ops", "/enrollment/ops"), ("admin", "/staff"))


class SignInSchema(Schema):
    """What the sign-in form sends."""

    email = fields.String(
        required=True,
        validate=validate.Length(max=254),
        error_messages={"required": "Enter your e-mail address."},
    )
    password = fields.String(
        required=True, validate=validate.Length(max=200), error_messages={"required": "Enter your password."}
    )


_SIGN_IN = SignInSchema()


@blueprint.get("/staff/login")
@public("signing in comes before being known")
def ask_sign_in() -> ResponseReturnValue:
    """The sign-in form; who is signed in already goes on."""
    wanted = safe_next(request.args.get("next"))
    principal = signed_in()
    if principal is not None and wanted is None:
        return see_other(_home(principal.roles))
    return form_page("enrollment/sign_in.html", {}, email="", next=wanted or "")


@blueprint.post("/staff/login")
@public("signing in comes before being known")
def sign_in() -> ResponseReturnValue:
    """Check the credentials and write the cookie."""
    wanted = safe_next(request.form.get("next"))
    typed = request.form.get("email", "")[:254]
    fields_typed = MultiDict((name, value) for name, value in request.form.items() if name != "next")
    data, errors = load_form(_SIGN_IN, fields_typed)
    if errors:
        return form_page("enrollment/sign_in.html", errors, email=typed, next=wanted or "")
    try:
        principal = tasks.sign_in(Credentials(**data), current_service().transactions)
    except (TooManyAttempts, TooManyAtOnce) as error:
        response = page(
            "enrollment/sign_in.html", 429, errors={"": [error.detail]}, email=typed, next=wanted or ""
        )
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    except AppError as error:
        return form_page("enrollment/sign_in.html", field_errors(error), email=typed, next=wanted or "")
    answer = see_other(wanted or _home(principal.roles))
    authenticator().cookie.write(answer, principal)
    return answer


@blueprint.post("/staff/logout")
@public("leaving is always allowed")
def sign_out() -> ResponseReturnValue:
    """End the session here and, by an event, everywhere."""
    principal = signed_in()
    if principal is not None:
        with request_tx() as tx:
            handlers.end_session(EndSession(staff_id=principal.staff_id, session_id=principal.session_id), tx)
    answer = see_other("/staff/login")
    authenticator().cookie.clear(answer)
    return answer


@blueprint.get("/staff")
@staff("admin")
def list_staff() -> ResponseReturnValue:
    """Who has an account; accounts are opened and closed on the command line."""
    with current_service().transactions.read() as session:
        members = queries.staff_list(session)
    return page("enrollment/staff.html", members=members, me=current_staff())


def _home(roles: frozenset[str]) -> str:
    return next((home for role, home in _HOMES if role in roles), "/workshops")
