"""What every request goes through: keys, versions, idempotency, errors and troubles."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import requests
import stripe

from shared.clock import FrozenClock
from tests.support.stripe_sandbox import Running, make_client, running, session_parameters

AUTH = {"Authorization": "Bearer sk_test_sandbox"}


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2027, 3, 1, tzinfo=UTC))


@pytest.fixture
def sandbox(clock: FrozenClock) -> Iterator[Running]:
    with running(clock=clock) as sandbox:
        yield sandbox


def create(client: stripe.StripeClient, key: str, **changes: Any) -> stripe.checkout.Session:
    """Open a session under an idempotency key."""
    return client.v1.checkout.sessions.create(
        cast(Any, session_parameters(**changes)), {"idempotency_key": key}
    )


def headers_of(session: stripe.StripeObject) -> Any:
    """The headers of the answer that an object came in."""
    assert session.last_response is not None
    return session.last_response.headers


def test_the_key_is_needed_and_may_come_as_a_user_name(sandbox: Running) -> None:
    address = f"{sandbox.url}/v1/charges"
    for headers in ({}, {"Authorization": "Bearer sk_test_wrong_key_1234"}, {"Authorization": "Basic !"}):
        answer = requests.get(address, headers=headers, timeout=10)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert "sk_test_wrong_key_1234" not in answer.text
    assert requests.get(address, auth=("sk_test_sandbox", ""), timeout=10).status_code == 200
    wrong = make_client(sandbox.url, api_key="sk_test_other")
    assert isinstance(sandbox.refusal(lambda: wrong.v1.charges.list()), stripe.AuthenticationError)


def test_another_api_version_is_refused(sandbox: Running) -> None:
    answer = requests.get(
        f"{sandbox.url}/v1/charges", headers={**AUTH, "Stripe-Version": "2020-08-27"}, timeout=10
    )
    assert answer.status_code == 400
    assert "Invalid Stripe API version" in answer.json()["error"]["message"]


def test_answers_carry_stripes_headers(sandbox: Running) -> None:
    headers = headers_of(create(sandbox.client, "key-1"))
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    assert headers["Idempotency-Key"] == "key-1"
    assert "Idempotent-Replayed" not in headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/customers"),
        ("POST", "/v1/charges"),
        ("DELETE", "/v1/checkout/sessions/cs_1"),
        ("GET", "/v1/payouts"),
        ("POST", "/v2/core/events"),
    ],
)
def test_unlisted_routes_are_refused_aloud_and_not_worth_a_retry(
    sandbox: Running, method: str, path: str
) -> None:
    answer = requests.request(method, sandbox.url + path, headers=AUTH, data={"a": "b"}, timeout=10)
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "sandbox_not_implemented"
    assert path in answer.json()["error"]["message"]
    assert answer.headers["Stripe-Should-Retry"] == "false"
    patient = make_client(sandbox.url, retries=2)
    before = sandbox.control("counters")["requests"]["(not implemented)"]
    assert sandbox.refusal(lambda: patient.v1.customers.create({})).http_status == 501
    assert sandbox.control("counters")["requests"]["(not implemented)"] == before + 1


def test_a_key_replays_the_first_answer(sandbox: Running) -> None:
    first = create(sandbox.client, "key-1")
    sandbox.client.v1.checkout.sessions.expire(first.id)
    again = create(sandbox.client, "key-1")
    # Word for word what was said then, not what is true now.
    assert again.to_dict() == first.to_dict()
    assert headers_of(again)["Idempotent-Replayed"] == "true"
    assert headers_of(again)["Original-Request"] == headers_of(first)["Request-Id"]
    assert len(sandbox.client.v1.checkout.sessions.list().data) == 1
    assert create(sandbox.client, "key-2").id != first.id


def test_a_key_used_for_something_else_is_an_error(sandbox: Running) -> None:
    create(sandbox.client, "key-1")
    error = sandbox.refusal(lambda: create(sandbox.client, "key-1", client_reference_id="other"))
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400
    assert "same parameters" in str(error)
    options: Any = {"idempotency_key": "key-1"}
    error = sandbox.refusal(lambda: sandbox.client.v1.refunds.create({"charge": "ch_1"}, options))
    assert isinstance(error, stripe.IdempotencyError)
    assert "same endpoint" in str(error)
    assert sandbox.refusal(lambda: create(sandbox.client, "k" * 256)).http_status == 400


def test_a_refusal_is_replayed_but_a_failed_validation_is_not(sandbox: Running) -> None:
    charge = sandbox.pay()
    options: Any = {"idempotency_key": "refund-1"}
    refunds = sandbox.client.v1.refunds
    sandbox.control("dispute/open", {"charge": charge.id})
    assert sandbox.refusal(lambda: refunds.create({"charge": charge.id}, options)).code == "charge_disputed"
    sandbox.control("dispute/win", {"charge": charge.id})
    assert sandbox.refusal(lambda: refunds.create({"charge": charge.id}, options)).code == "charge_disputed"
    wrong: Any = {"charge": charge.id, "colour": "red"}
    fresh: Any = {"idempotency_key": "refund-2"}
    assert sandbox.refusal(lambda: refunds.create(wrong, fresh)).code == "parameter_unknown"
    assert refunds.create({"charge": charge.id}, fresh).status == "succeeded"


def test_a_key_is_kept_for_a_day(sandbox: Running, clock: FrozenClock) -> None:
    first = create(sandbox.client, "key-1")
    clock.advance(timedelta(hours=23, minutes=59))
    assert create(sandbox.client, "key-1").id == first.id
    clock.advance(timedelta(minutes=1))
    assert create(sandbox.client, "key-1").id != first.id


def test_the_same_key_at_the_same_time_conflicts_and_makes_one_session(sandbox: Running) -> None:
    sandbox.control("faults", {"kind": "slow", "milliseconds": 500})
    outcomes: list[Any] = []

    def attempt() -> None:
        try:
            outcomes.append(create(make_client(sandbox.url), "key-1").id)
        except stripe.StripeError as error:
            outcomes.append(error.http_status)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    threads[0].start()
    time.sleep(0.15)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes))[:5] == ["409"] * 5
    assert len(sandbox.client.v1.checkout.sessions.list().data) == 1
    # The library's own retries turn the conflict into the answer.
    sandbox.control("faults", {"kind": "slow", "milliseconds": 400})
    first = threading.Thread(target=lambda: outcomes.append(create(make_client(sandbox.url), "key-2").id))
    first.start()
    time.sleep(0.1)
    second = create(make_client(sandbox.url, retries=2), "key-2").id
    first.join()
    assert outcomes[-1] == second


def test_an_answer_lost_after_the_commit_is_found_again_by_key(sandbox: Running) -> None:
    sandbox.control("faults", {"kind": "response_lost", "path": "/v1/checkout/sessions"})
    error = sandbox.refusal(lambda: create(sandbox.client, "key-1"))
    assert isinstance(error, stripe.APIConnectionError)
    (made,) = sandbox.client.v1.checkout.sessions.list().data
    assert create(sandbox.client, "key-1").id == made.id
    sandbox.control("faults", {"kind": "response_lost", "path": "/v1/checkout/*"})
    healed = create(make_client(sandbox.url, retries=2), "key-2")
    assert headers_of(healed)["Idempotent-Replayed"] == "true"
    assert len(sandbox.client.v1.checkout.sessions.list().data) == 2


def test_a_server_error_commits_nothing(sandbox: Running) -> None:
    sandbox.control("faults", {"kind": "server_error", "times": 2})
    assert sandbox.refusal(lambda: create(sandbox.client, "key-1")).http_status == 500
    assert sandbox.client.v1.checkout.sessions.list().data == []
    assert create(make_client(sandbox.url, retries=2), "key-1").status == "open"
    assert sandbox.control("faults")["faults"] == []


def test_too_many_requests_are_not_retried_unless_stripe_says_so(sandbox: Running) -> None:
    patient = make_client(sandbox.url, retries=2)
    sandbox.control("faults", {"kind": "rate_limited"})
    assert isinstance(sandbox.refusal(lambda: create(patient, "key-1")), stripe.RateLimitError)
    sandbox.control("faults", {"kind": "rate_limited", "should_retry": True, "retry_after": 1})
    assert create(patient, "key-1").status == "open"


def test_troubles_meet_only_the_requests_they_are_meant_for(sandbox: Running) -> None:
    sandbox.control("faults", {"kind": "server_error", "method": "GET", "path": "/v1/charges*"})
    assert sandbox.open_session().status == "open"
    assert sandbox.client.v1.refunds.list().data == []
    assert sandbox.refusal(lambda: sandbox.client.v1.charges.list()).http_status == 500
    assert sandbox.client.v1.charges.list().data == []
    sandbox.control("faults", {"kind": "slow", "method": "GET", "milliseconds": 300})
    start = time.monotonic()
    assert sandbox.client.v1.charges.list().data == []
    assert time.monotonic() - start >= 0.3
    sandbox.control("faults", {"kind": "server_error", "times": 5})
    assert sandbox.control("faults", {"clear": True}) == {"faults": []}
    assert sandbox.open_session().status == "open"


def test_ids_are_expanded_where_asked_and_only_there(sandbox: Running) -> None:
    charge = sandbox.pay()
    assert str(charge.payment_intent).startswith("pi_")
    expanded: Any = sandbox.client.v1.charges.retrieve(charge.id, {"expand": ["payment_intent"]})
    assert expanded.payment_intent.id == charge.payment_intent
    listed: Any = sandbox.client.v1.charges.list({"expand": ["data.balance_transaction.source"]})
    assert listed.data[0].balance_transaction.source.id == charge.id
    error = sandbox.refusal(lambda: sandbox.client.v1.charges.retrieve(charge.id, {"expand": ["amount"]}))
    assert (error.http_status, "cannot be expanded (amount)" in str(error)) == (400, True)
