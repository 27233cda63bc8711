"""What Stripe does not offer: `/_sandbox/*`, for tests, for the demo and for the buttons of the dashboard.

Every POST takes JSON or a form. A form from the dashboard is answered with the dashboard again.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from deploy.sandbox.stripe import payments, refunds
from deploy.sandbox.stripe.cards import SUCCEEDS, find_card
from deploy.sandbox.stripe.checkout import expire_session
from deploy.sandbox.stripe.errors import ApiError, missing_resource
from deploy.sandbox.stripe.events import ENDPOINT, MODE, MODES, NORMAL_MODE, queue_delivery
from deploy.sandbox.stripe.faults import KINDS, Fault
from deploy.sandbox.stripe.parameters import (
    Boolean,
    Currency,
    Email,
    Field,
    Integer,
    Many,
    Text,
    Url,
    load,
    parse_form,
)
from deploy.sandbox.stripe.sandbox import current_sandbox
from deploy.sandbox.stripe.store import (
    BALANCE_TRANSACTION,
    CHARGE,
    DELIVERY,
    DISPUTE,
    EVENT,
    PAYMENT_INTENT,
    REFUND,
    SESSION,
    SETTING,
    JsonObject,
    Transaction,
)

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")

_WHICH_CHARGE: Mapping[str, Field] = {
    "charge": Text(),
    "payment_intent": Text(),
    "session": Text(),
    "client_reference_id": Text(),
}


def _sent(fields: Mapping[str, Field]) -> JsonObject:
    if request.is_json:
        values = request.get_json()
        if not isinstance(values, dict):
            raise ApiError(400, "Send a JSON object.")
    else:
        # An empty field of a form is one that nobody filled in.
        values = parse_form((name, text) for name, text in request.form.items(multi=True) if text)
    return load(fields, values)


def _done(result: Any) -> AnyResponse:
    return jsonify(result) if request.is_json or not request.form else redirect("/", code=303)


@blueprint.errorhandler(ApiError)
def _refused(error: ApiError) -> tuple[Response, int]:
    return jsonify(error.body()), error.status


@blueprint.post("/reset")
def reset() -> AnyResponse:
    """Forget every object, trouble and counter; keep the webhook endpoint."""
    current_sandbox().reset()
    return _done({"reset": True})


@blueprint.get("/state")
def state() -> Response:
    """Everything, newest first."""
    sandbox = current_sandbox()
    with sandbox.transaction() as tx:
        kinds = (SESSION, PAYMENT_INTENT, CHARGE, REFUND, DISPUTE, BALANCE_TRANSACTION, EVENT, DELIVERY)
        found = {kind: list(tx.newest_first(kind)) for kind in kinds}
        settings = {"webhook_endpoint": tx.get(SETTING, ENDPOINT), "webhook_mode": tx.get(SETTING, MODE)}
        return jsonify({**found, **settings, "now": tx.now, "faults": sandbox.faults.waiting()})


@blueprint.get("/counters")
def counters() -> Response:
    """Figures for tests."""
    return jsonify(current_sandbox().counters())


@blueprint.get("/deliveries")
def deliveries() -> Response:
    """The webhook delivery log, newest first; `state` and `type` choose."""
    wanted = {name: request.args[name] for name in ("state", "type", "event") if name in request.args}
    with current_sandbox().transaction() as tx:
        log = tx.newest_first(DELIVERY)
        data = [item for item in log if all(item[name] == value for name, value in wanted.items())]
    return jsonify({"deliveries": data})


@blueprint.post("/resend")
def resend() -> AnyResponse:
    """Send an event once more, now, without any trouble of the mode but the signature's."""
    event_id = _sent({"event": Text(required=True)})["event"]
    with current_sandbox().transaction() as tx:
        event = tx.get(EVENT, event_id)
        if event is None:
            raise missing_resource("event", event_id, param="event")
        return _done(queue_delivery(tx, event))


@blueprint.get("/webhooks")
def webhook_mode() -> Response:
    """How deliveries go wrong at present."""
    return jsonify(current_sandbox().mode())


@blueprint.post("/webhooks")
def set_webhook_mode() -> AnyResponse:
    """Choose how deliveries go wrong: `mode` for one trouble, `modes` for several at once.

    `duplicate` (`copies`, at the same instant with `together`), `reorder` (held for `seconds`, then last
    first, or shuffled by `seed`), `delay` (by `seconds`) and `drop` apply to coming events, of `types` only
    if given; `bad_signature` and `stale` apply to every attempt made while they are set.
    """
    sent = _sent(
        {
            "mode": Text(choices=MODES),
            "modes": Many(Text(choices=MODES)),
            "copies": Integer(minimum=2, maximum=20),
            "together": Boolean(),
            "seconds": Integer(maximum=86400),
            "milliseconds": Integer(maximum=86_400_000),
            "seed": Integer(),
            "types": Many(Text()),
        }
    )
    modes = [*sent.pop("modes", []), sent.pop("mode", "normal")]
    sent["modes"] = [mode for mode in modes if mode != "normal"]
    if "milliseconds" in sent:
        sent["seconds"] = sent.pop("milliseconds") / 1000
    return _done(current_sandbox().set_mode({**NORMAL_MODE, **sent}))


@blueprint.get("/webhook-endpoint")
def webhook_endpoint() -> Response:
    """Where webhooks go."""
    return jsonify(current_sandbox().setting(ENDPOINT) or {"url": None})


@blueprint.post("/webhook-endpoint")
def set_webhook_endpoint() -> AnyResponse:
    """Send webhooks elsewhere, or nowhere without `url`. `previous_secret` signs as well, beside `secret`."""
    sent = _sent({"url": Url(), "secret": Text(), "previous_secret": Text(), "enabled_events": Many(Text())})
    return _done(current_sandbox().set_endpoint(sent.pop("url", None), **sent))


@blueprint.get("/faults")
def faults() -> Response:
    """The troubles that are still to come."""
    return jsonify({"faults": current_sandbox().faults.waiting()})


@blueprint.post("/faults")
def add_fault() -> AnyResponse:
    """Let the next `times` requests of `method` to `path` (with `*`) meet a trouble; `clear` forgets all."""
    sent = _sent(
        {
            "clear": Boolean(),
            "kind": Text(choices=KINDS),
            "method": Text(choices=("GET", "POST", "*")),
            "path": Text(),
            "times": Integer(minimum=1, maximum=1_000_000),
            "milliseconds": Integer(maximum=120_000),
            "should_retry": Boolean(),
            "retry_after": Integer(),
        }
    )
    waiting = current_sandbox().faults
    if sent.pop("clear", False):
        waiting.clear()
    if "kind" in sent:
        seconds = sent.pop("milliseconds", 0) / 1000
        waiting.add(Fault(seconds=seconds, **sent))
    return _done({"faults": waiting.waiting()})


@blueprint.post("/pay")
def pay() -> AnyResponse:
    """Pay a session as its buyer would; `amount_override` and `currency_override` make a wrong payment."""
    sent = _sent(
        {
            "session": Text(),
            "client_reference_id": Text(),
            "card": Text(),
            "email": Email(),
            "name": Text(),
            "amount_override": Integer(minimum=1),
            "currency_override": Currency(),
        }
    )
    with current_sandbox().transaction() as tx:
        session = _session(tx, sent, "open")
        payer = payments.Payer(
            email=sent.get("email") or session["customer_email"] or "buyer@example.com",
            name=sent.get("name", "Sandbox Buyer"),
            card=find_card(sent["card"]) if "card" in sent else SUCCEEDS,
        )
        charge = payments.pay_session(
            tx,
            session["id"],
            payer,
            amount=sent.get("amount_override"),
            currency=sent.get("currency_override"),
        )
        return _done({"charge": charge, "session": tx.get(SESSION, session["id"])})


@blueprint.post("/expire")
def expire() -> AnyResponse:
    """Expire an open session now."""
    sent = _sent({"session": Text(), "client_reference_id": Text()})
    with current_sandbox().transaction() as tx:
        return _done(expire_session(tx, _session(tx, sent, "open")["id"]))


@blueprint.post("/refund")
def refund() -> AnyResponse:
    """Refund a charge, whole unless `amount` says otherwise."""
    sent = _sent({**_WHICH_CHARGE, "amount": Integer(minimum=1), "reason": Text()})
    with current_sandbox().transaction() as tx:
        amount, reason = sent.get("amount"), sent.get("reason")
        return _done(refunds.create_refund(tx, _charge(tx, sent), amount=amount, reason=reason))


@blueprint.post("/refund/fail")
def fail_refund() -> AnyResponse:
    """Let the bank return the newest refund of a charge."""
    with current_sandbox().transaction() as tx:
        charge_id = _charge(tx, _sent(_WHICH_CHARGE))
        return _done(refunds.fail_refund(tx, _newest(tx, REFUND, charge_id)))


@blueprint.post("/dispute/open")
def open_dispute() -> AnyResponse:
    """Let the buyer's bank dispute a charge."""
    sent = _sent({**_WHICH_CHARGE, "amount": Integer(minimum=1), "reason": Text()})
    with current_sandbox().transaction() as tx:
        charge_id = _charge(tx, sent)
        reason = sent.get("reason", "general")
        return _done(payments.open_dispute(tx, charge_id, amount=sent.get("amount"), reason=reason))


@blueprint.post("/dispute/<outcome>")
def close_dispute(outcome: str) -> AnyResponse:
    """Decide a dispute: `win` or `lose`."""
    if outcome not in ("win", "lose"):
        raise ApiError(404, f"A dispute can be opened, won (win) or lost (lose), not: {outcome}.")
    sent = _sent({**_WHICH_CHARGE, "dispute": Text()})
    with current_sandbox().transaction() as tx:
        dispute_id = sent.get("dispute") or _newest(tx, DISPUTE, _charge(tx, sent))
        return _done(payments.close_dispute(tx, dispute_id, won=outcome == "win"))


def _newest(tx: Transaction, kind: str, charge_id: str) -> str:
    found = next((item for item in tx.newest_first(kind) if item["charge"] == charge_id), None)
    if found is None:
        raise missing_resource(f"{kind} of the charge", charge_id, param="charge")
    return str(found["id"])


def _session(tx: Transaction, sent: JsonObject, status: str) -> JsonObject:
    """The session that was named; by our own reference, the newest one that has the status."""
    if "session" in sent:
        found = tx.get(SESSION, sent["session"])
    else:
        reference = sent.get("client_reference_id")
        same = (item for item in tx.newest_first(SESSION) if item["client_reference_id"] == reference)
        found = next((item for item in same if item["status"] == status), None)
    if found is None:
        named = sent.get("session") or sent.get("client_reference_id") or ""
        raise missing_resource("checkout.session", str(named), param="session")
    return found


def _charge(tx: Transaction, sent: JsonObject) -> str:
    if "charge" in sent:
        return str(sent["charge"])
    intent = sent.get("payment_intent") or _session(tx, sent, "complete")["payment_intent"]
    if intent is None:
        raise ApiError(400, "This session has not been paid.", param="session")
    return payments.charge_of_intent(tx, intent)
