"""The sandbox against the types of Stripe's own library: no invented attribute, no unknown parameter."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
import stripe
from stripe import params as stripe_params
from stripe.params import checkout as checkout_params

from deploy.sandbox.stripe import schemas
from services.payment.domain.stripe_request import session_parameters
from shared.ids import new_id
from tests.support.stripe_sandbox import Running, running
from tests.support.stripe_types import parameter_names, problems

CARDS = ("4242424242424242", "5555555555554444", "4000000000000002", "4000000000009995", "4000000000000119")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """A sandbox in which everything that it can do has been done once."""
    with running(webhook_url="http://127.0.0.1:9/nobody", background=False) as sandbox:
        sandbox.open_session()
        sandbox.open_session(
            customer_email="ann@example.com",
            metadata={"a": "b"},
            payment_intent_data={"metadata": {"c": "d"}},
        )
        for card in CARDS:
            session = sandbox.open_session()
            sandbox.control("pay", {"session": session.id, "card": card})
        sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
        sandbox.client.v1.refunds.create({"charge": sandbox.pay().id, "amount": 500})
        sandbox.control("refund", {"charge": sandbox.pay().id})
        charge = sandbox.pay()
        sandbox.control("refund", {"charge": charge.id})
        sandbox.control("refund/fail", {"charge": charge.id})
        for outcome in ("win", "lose"):
            charge = sandbox.pay()
            sandbox.control("dispute/open", {"charge": charge.id})
            sandbox.control(f"dispute/{outcome}", {"charge": charge.id})
        sandbox.control("dispute/open", {"charge": sandbox.pay().id})
        yield sandbox


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("checkout/sessions", stripe.checkout.Session),
        ("payment_intents", stripe.PaymentIntent),
        ("charges", stripe.Charge),
        ("refunds", stripe.Refund),
        ("disputes", stripe.Dispute),
        ("balance_transactions", stripe.BalanceTransaction),
        ("events", stripe.Event),
    ],
)
def test_every_attribute_is_one_that_the_library_declares(sandbox: Running, path: str, kind: type) -> None:
    objects = _all(sandbox, path)
    assert len(objects) >= 2
    assert [found for value in objects for found in problems(value, kind, value["id"])] == []


def test_line_items_and_expanded_objects_are_what_the_library_declares(sandbox: Running) -> None:
    expand = ["data.line_items", "data.payment_intent.latest_charge.balance_transaction"]
    sessions = _all(sandbox, "checkout/sessions", expand=expand)
    kinds = {session["status"] for session in sessions}
    assert kinds == {"open", "complete", "expired"}
    assert all(len(session["line_items"]["data"]) == 1 for session in sessions)
    found = [p for session in sessions for p in problems(session, stripe.checkout.Session, session["id"])]
    assert found == []


def test_what_an_event_tells_of_is_what_the_library_declares(sandbox: Running) -> None:
    kinds = {
        "checkout.session": stripe.checkout.Session,
        "payment_intent": stripe.PaymentIntent,
        "charge": stripe.Charge,
        "refund": stripe.Refund,
        "dispute": stripe.Dispute,
    }
    events = _all(sandbox, "events")
    for event in events:
        subject = event["data"]["object"]
        assert problems(subject, kinds[subject["object"]], event["type"]) == []
        assert set(event["data"].get("previous_attributes", {})) <= set(subject)
    assert {event["type"] for event in events} == {
        "checkout.session.completed", "checkout.session.expired", "payment_intent.created",
        "payment_intent.succeeded", "payment_intent.payment_failed", "charge.succeeded", "charge.failed",
        "charge.updated", "charge.refunded", "refund.created", "refund.updated", "charge.dispute.created",
        "charge.dispute.closed", "refund.failed",
    }  # fmt: skip


def _all(sandbox: Running, path: str, expand: list[str] | None = None) -> list[dict[str, Any]]:
    query = {"limit": "100", **{f"expand[{i}]": name for i, name in enumerate(expand or ())}}
    answer = requests.get(f"{sandbox.url}/v1/{path}", query, auth=("sk_test_sandbox", ""), timeout=10)
    page = json.loads(answer.text)
    assert not page["has_more"]
    return list(page["data"])


def test_the_oracle_notices_what_is_wrong() -> None:
    right = {"amount_discount": 0, "amount_tax": 0, "amount_shipping": None}
    kind = stripe.checkout.Session.TotalDetails
    assert problems(right, kind, "t") == []
    assert problems({**right, "amount_invented": 1}, kind, "t") == [
        "t.amount_invented: unknown to Session.TotalDetails"
    ]
    assert problems({"amount_discount": 0}, kind, "t") == ["t.amount_tax: missing"]
    assert problems({**right, "amount_tax": "0"}, kind, "t") == ["t.amount_tax: '0' is not of type int"]
    session = stripe.checkout.Session.__annotations__
    assert problems("finished", session["status"], "s") != []
    assert problems("open", session["status"], "s") == []


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        (schemas.SESSION_CREATE, checkout_params.SessionCreateParams),
        (schemas.SESSION_UPDATE, checkout_params.SessionUpdateParams),
        (schemas.SESSION_LIST, checkout_params.SessionListParams),
        (schemas.PAGE, checkout_params.SessionListLineItemsParams),
        (schemas.EXPAND, checkout_params.SessionExpireParams),
        (schemas.LINE_ITEM, checkout_params.SessionCreateParamsLineItem),
        (schemas.PRICE_DATA, checkout_params.SessionCreateParamsLineItemPriceData),
        (schemas.PRODUCT_DATA, checkout_params.SessionCreateParamsLineItemPriceDataProductData),
        (schemas.PAYMENT_INTENT_DATA, checkout_params.SessionCreateParamsPaymentIntentData),
        (schemas.REFUND_CREATE, stripe_params.RefundCreateParams),
        (schemas.BY_CHARGE_LIST, stripe_params.RefundListParams),
        (schemas.BY_CHARGE_LIST, stripe_params.DisputeListParams),
        (schemas.PAYMENT_INTENT_LIST, stripe_params.PaymentIntentListParams),
        (schemas.CHARGE_LIST, stripe_params.ChargeListParams),
        (schemas.BALANCE_TRANSACTION_LIST, stripe_params.BalanceTransactionListParams),
        (schemas.EVENT_LIST, stripe_params.EventListParams),
    ],
)
def test_parameters_are_those_of_the_library_served_or_refused_by_name(
    fields: schemas.Fields, declared: type
) -> None:
    assert set(fields) == parameter_names(declared)


def test_choices_are_those_of_the_library() -> None:
    declared = checkout_params.SessionCreateParams.__annotations__
    checked = 0
    for name, field in schemas.SESSION_CREATE.items():
        for choice in getattr(field, "choices", ()):
            assert f"'{choice}'" in str(declared[name]), f"{name}={choice}"
            checked += 1
    assert checked > 40


def test_what_rostrum_sends_is_known_to_the_library_and_served_by_the_sandbox(sandbox: Running) -> None:
    account = SimpleNamespace(
        payer_email="ann@example.com",
        workshop_title="Certified ScrumMaster",
        reference="R-1",
        time_zone="Europe/Berlin",
    )
    seats = [SimpleNamespace(amount_minor=12000), SimpleNamespace(amount_minor=9000)]
    payable = SimpleNamespace(
        payable_id=new_id(), booking_id=new_id(), currency="EUR", amount_minor=21000, seats=seats
    )
    sent = session_parameters(
        cast(Any, account),
        cast(Any, payable),
        attempt=1,
        expires_at=datetime.now(UTC) + timedelta(minutes=31),
        public_url="http://127.0.0.1:8000",
    )
    names = parameter_names
    assert set(sent) <= names(checkout_params.SessionCreateParams)
    assert set(sent["payment_intent_data"]) <= names(checkout_params.SessionCreateParamsPaymentIntentData)
    assert set(sent["custom_text"]) <= names(checkout_params.SessionCreateParamsCustomText)
    for item in sent["line_items"]:
        assert set(item) <= names(checkout_params.SessionCreateParamsLineItem)
        price = item["price_data"]
        assert set(price) <= names(checkout_params.SessionCreateParamsLineItemPriceData)
        assert set(price["product_data"]) <= names(
            checkout_params.SessionCreateParamsLineItemPriceDataProductData
        )
    session = sandbox.client.v1.checkout.sessions.create(cast(Any, dict(sent)))
    assert (session.amount_total, session.currency) == (21000, "eur")
    assert session.client_reference_id == str(payable.payable_id)
