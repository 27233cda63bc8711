"""The endpoints of Stripe's API that the sandbox has. Everything else below /v1 and /v2 answers 501."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from deploy.sandbox.stripe import checkout, payments, refunds, schemas
from deploy.sandbox.stripe.api import Call, Endpoint, refuse
from deploy.sandbox.stripe.errors import ApiError, missing_resource, not_implemented
from deploy.sandbox.stripe.events import RETENTION_SECONDS
from deploy.sandbox.stripe.listing import in_period, line_items, page, present
from deploy.sandbox.stripe.store import (
    BALANCE_TRANSACTION,
    CHARGE,
    DISPUTE,
    EVENT,
    PAYMENT_INTENT,
    REFUND,
    SESSION,
    JsonObject,
)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _create_session(call: Call) -> JsonObject:
    return checkout.create_session(call.tx, call.params, call.sandbox.config.public_url)


def _update_session(call: Call) -> JsonObject:
    return checkout.update_session(call.tx, call.target, call.params)


def _expire_session(call: Call) -> JsonObject:
    return checkout.expire_session(call.tx, call.target)


def _list_line_items(call: Call) -> JsonObject:
    checkout.find_session(call.tx, call.target)
    return line_items(call.tx, call.target, call.params)


def _list_sessions(call: Call) -> JsonObject:
    email = call.params.get("customer_details", {}).get("email")

    def wanted(session: JsonObject) -> bool:
        details = session["customer_details"] or {"email": None}
        return email is None or details["email"] == email

    return _list(call, SESSION, ("status", "payment_intent"), wanted)


def _create_refund(call: Call) -> JsonObject:
    params = call.params
    charge_id = params.get("charge")
    if charge_id is None:
        if "payment_intent" not in params:
            message = (
                "One of the following params should be provided for this request: payment_intent or charge."
            )
            raise ApiError(400, message, code="parameter_missing")
        charge_id = payments.charge_of_intent(call.tx, params["payment_intent"])
    elif "payment_intent" in params:
        message = "You may only specify one of these parameters: charge, payment_intent."
        raise ApiError(400, message)
    return refunds.create_refund(
        call.tx,
        charge_id,
        amount=params.get("amount"),
        reason=params.get("reason"),
        metadata=params.get("metadata"),
    )


def _list_events(call: Call) -> JsonObject:
    params = call.params
    if "type" in params and "types" in params:
        raise ApiError(400, "You may only specify one of these parameters: type, types.")
    types = params.get("types", [params["type"]] if "type" in params else [])
    delivered = params.get("delivery_success")

    def wanted(event: JsonObject) -> bool:
        kind = event["type"]
        # A type may end in a wildcard: `charge.*`.
        named = any(kind == name or (name.endswith("*") and kind.startswith(name[:-1])) for name in types)
        return (
            (not types or named)
            and event["created"] > call.tx.now - RETENTION_SECONDS
            and (delivered is None or delivered == (event["pending_webhooks"] == 0))
        )

    return _list(call, EVENT, (), wanted)


def _list(
    call: Call, kind: str, equal: tuple[str, ...], wanted: Callable[[JsonObject], bool] = lambda item: True
) -> JsonObject:
    filters = {name: call.params[name] for name in equal if name in call.params}
    period = call.params.get("created")
    items = (
        present(call.tx, item)
        for item in call.tx.newest_first(kind)
        if in_period(item["created"], period)
        and all(item[name] == value for name, value in filters.items())
        and wanted(item)
    )
    return page(call.tx, items, call.params, _URLS[kind], kind)


def _listed(kind: str, *equal: str) -> Callable[[Call], JsonObject]:
    return lambda call: _list(call, kind, equal)


def _retrieved(kind: str) -> Callable[[Call], JsonObject]:
    def retrieve(call: Call) -> JsonObject:
        found = call.tx.get(kind, call.target)
        if found is None:
            raise missing_resource(kind, call.target, param="session" if kind == SESSION else "id")
        return present(call.tx, found)

    return retrieve


_URLS = {
    SESSION: "/v1/checkout/sessions",
    PAYMENT_INTENT: "/v1/payment_intents",
    CHARGE: "/v1/charges",
    REFUND: "/v1/refunds",
    DISPUTE: "/v1/disputes",
    BALANCE_TRANSACTION: "/v1/balance_transactions",
    EVENT: "/v1/events",
}

_SESSIONS = _URLS[SESSION]
ENDPOINTS = (
    Endpoint("POST", _SESSIONS, schemas.SESSION_CREATE, _create_session),
    Endpoint("GET", _SESSIONS, schemas.SESSION_LIST, _list_sessions),
    Endpoint("POST", f"{_SESSIONS}/<target>", schemas.SESSION_UPDATE, _update_session),
    Endpoint("POST", f"{_SESSIONS}/<target>/expire", schemas.EXPAND, _expire_session),
    Endpoint("GET", f"{_SESSIONS}/<target>/line_items", schemas.PAGE, _list_line_items),
    Endpoint("GET", _URLS[PAYMENT_INTENT], schemas.PAYMENT_INTENT_LIST, _listed(PAYMENT_INTENT)),
    Endpoint("GET", _URLS[CHARGE], schemas.CHARGE_LIST, _listed(CHARGE, "payment_intent")),
    Endpoint("POST", _URLS[REFUND], schemas.REFUND_CREATE, _create_refund),
    Endpoint("GET", _URLS[REFUND], schemas.BY_CHARGE_LIST, _listed(REFUND, "charge", "payment_intent")),
    Endpoint("GET", _URLS[DISPUTE], schemas.BY_CHARGE_LIST, _listed(DISPUTE, "charge", "payment_intent")),
    Endpoint(
        "GET",
        _URLS[BALANCE_TRANSACTION],
        schemas.BALANCE_TRANSACTION_LIST,
        _listed(BALANCE_TRANSACTION, "currency", "source", "type"),
    ),
    Endpoint("GET", _URLS[EVENT], schemas.EVENT_LIST, _list_events),
    *(Endpoint("GET", f"{url}/<target>", schemas.EXPAND, _retrieved(kind)) for kind, url in _URLS.items()),
)


def _not_there(rest: str) -> Response:
    """Answer every other route of Stripe's."""
    return refuse(not_implemented(f"the route {request.method} {request.path}"))


def make_blueprint() -> Blueprint:
    """Every route below /v1 and /v2."""
    blueprint = Blueprint("stripe_api", __name__)
    for number, endpoint in enumerate(ENDPOINTS):
        name = f"endpoint_{number}"
        blueprint.add_url_rule(
            endpoint.rule, name, endpoint, methods=[endpoint.method], provide_automatic_options=False
        )
    for version in ("v1", "v2"):
        blueprint.add_url_rule(f"/{version}/<path:rest>", f"{version}_rest", _not_there, methods=_METHODS)
    return blueprint
