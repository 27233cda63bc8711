"""Webhooks: only genuine ones are stored, each once, and nothing personal is kept."""

import json
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select
from stripe import WebhookSignature

from services.payment.gateways.base import PaymentGateway
from shared.db.engine import read_connection
from shared.db.kernel_tables import inbox, message_reference
from tests.component.payment.site import SECRET, Site

BODY = json.dumps(
    {"id": "evt_1", "type": "checkout.session.expired", "created": 1_793_610_000, "data": {"object": {}}}
)


def _sign(body: str, *, secret: str = SECRET, at: float | None = None) -> str:
    return str(WebhookSignature.generate_signature_header(body, secret, int(at or time.time())))


NO_OBJECT = json.dumps({"id": "evt_1", "type": "x", "created": 1})
BEYOND_TIME = [BODY.replace("1793610000", moment) for moment in ("1e20", "1e17", "1e12")]

# Made when they are used: a signature is of its moment.
FORGED: dict[str, Callable[[], tuple[str, str]]] = {
    "no signature": lambda: (BODY, ""),
    "not a signature": lambda: (BODY, "nonsense"),
    "a signature that is not ASCII": lambda: (BODY, f"t={time.time():.0f},v1=\u00e9"),
    "another secret": lambda: (BODY, _sign(BODY, secret="whsec_other")),
    "a changed body": lambda: (BODY.replace("evt_1", "evt_2"), _sign(BODY)),
    "too old": lambda: (BODY, _sign(BODY, at=time.time() - 400)),
    "from the future": lambda: (BODY, _sign(BODY, at=time.time() + 400)),
    "another scheme": lambda: (BODY, _sign(BODY).replace("v1=", "v0=")),
    "not JSON": lambda: ("nonsense", _sign("nonsense")),
    "not an event": lambda: ("[]", _sign("[]")),
    "without an object": lambda: (NO_OBJECT, _sign(NO_OBJECT)),
    "beyond the clock": lambda: (BEYOND_TIME[0], _sign(BEYOND_TIME[0])),
    "beyond the system": lambda: (BEYOND_TIME[1], _sign(BEYOND_TIME[1])),
    "beyond the calendar": lambda: (BEYOND_TIME[2], _sign(BEYOND_TIME[2])),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_stripe_did_not_send_just_now_is_refused_without_a_trace(site: Site, case: str) -> None:
    body, signature = FORGED[case]()

    response = site.client().post(
        "/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": signature},
        content_type="application/json",
    )

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert site.inbox_states() == {}


def test_a_body_beyond_any_event_is_refused(site: Site) -> None:
    body = json.dumps({"id": "evt_1", "filler": "x" * 300_000})

    assert site.post_webhook(body).status_code == 413
    assert site.inbox_states() == {}


def test_both_secrets_hold_while_one_is_replaced(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.service.gateways[PaymentGateway], "_secrets", ("whsec_new", SECRET))

    assert site.post_webhook(BODY).status_code == 200
    assert site.post_webhook(BODY.replace("evt_1", "evt_2"), secret="whsec_new").status_code == 200
    assert site.post_webhook(BODY.replace("evt_1", "evt_3"), secret="whsec_other").status_code == 400


def test_the_same_event_is_stored_once(site: Site) -> None:
    for _ in range(3):
        assert site.post_webhook(BODY).status_code == 200
    assert site.inbox_states() == {"received": 1}
    site.work()
    assert site.post_webhook(BODY).status_code == 200
    assert site.inbox_states() == {"handled": 1}


def test_types_nobody_waits_for_are_kept_and_change_nothing(site: Site) -> None:
    assert site.post_webhook(BODY.replace("checkout.session.expired", "invoice.finalized")).status_code == 200
    site.work()
    assert site.inbox_states() == {"handled": 1}
    assert site.said() == []


def test_events_are_found_by_every_id_and_keep_nothing_personal(site: Site) -> None:
    placed = site.place()
    site.pay(placed, email="ada@example.com", name="Ada Marker")
    site.deliver(site.stripe.events())

    (payment,) = site.payments(placed)
    with read_connection(site.service.engine) as connection:
        rows = connection.execute(
            select(inbox.c.type, inbox.c.payload).where(inbox.c.consumer == "stripe")
        ).all()
        references = set(connection.scalars(select(message_reference.c.reference)))
    assert len(rows) == len(site.stripe.events())
    for row in rows:
        assert "Marker" not in row.payload
        assert "ada@example.com" not in row.payload
    assert {
        payment.stripe_charge_id,
        payment.stripe_payment_intent_id,
        payment.stripe_session_id,
        str(payment.payable_id),
        str(placed.booking_id),
    } <= references
    completed = next(json.loads(r.payload) for r in rows if r.type == "checkout.session.completed")
    assert completed["data"]["object"]["amount_total"] == placed.amount_minor


def test_money_for_a_payable_nobody_knows_is_dead_at_once(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    (event,) = site.stripe.events("checkout.session.completed")
    event["data"]["object"]["metadata"]["payable_id"] = "0199a4e2-6f7c-7c31-9d0e-3a52c1f4b7a9"

    site.deliver([event])

    assert site.inbox_states()["dead"] == 1
