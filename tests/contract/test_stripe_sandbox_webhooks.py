"""Webhooks: signed as the library expects, repeated until accepted, and troubled on request."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from shared.clock import FrozenClock
from tests.support.stripe_sandbox import Receiver, Running, receiving, running, wait_until

PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "charge.updated",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Running]:
    with running(webhook_url=receiver.url) as sandbox:
        yield sandbox


def states(sandbox: Running) -> Counter[str]:
    """How many deliveries are in which state."""
    return Counter(delivery["state"] for delivery in sandbox.control("deliveries")["deliveries"])


def test_events_arrive_in_order_and_the_library_accepts_their_signature(
    sandbox: Running, receiver: Receiver
) -> None:
    charge = sandbox.pay(client_reference_id="booking-7")
    wait_until(lambda: states(sandbox) == {"delivered": 5})
    assert receiver.types() == PAID
    completed = json.loads(receiver.received[3].body)
    assert completed["data"]["object"]["client_reference_id"] == "booking-7"
    assert completed["data"]["object"]["payment_intent"] == charge.payment_intent
    stored = sandbox.client.v1.events.retrieve(completed["id"])
    assert stored.data.object.to_dict() == completed["data"]["object"]
    assert (completed["pending_webhooks"], stored.pending_webhooks) == (1, 0)


def test_an_event_names_the_request_that_made_it(sandbox: Running) -> None:
    charge = sandbox.pay()
    answer = sandbox.client.v1.refunds.create({"charge": charge.id}, {"idempotency_key": "refund-1"})
    event = sandbox.client.v1.events.list({"type": "refund.created"}).data[0]
    assert event.request is not None
    assert answer.last_response is not None
    assert (event.request.idempotency_key, event.request.id) == ("refund-1", answer.last_response.request_id)


def test_a_delivery_is_repeated_until_it_is_accepted(sandbox: Running, receiver: Receiver) -> None:
    receiver.answers = [500, 302, 404]
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: states(sandbox) == {"delivered": 1})
    assert [item.event_id for item in receiver.received] == [receiver.received[0].event_id] * 4
    (delivery,) = sandbox.control("deliveries")["deliveries"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["500", "302", "404", "200"]
    waits = [b.at - a.at for a, b in zip(receiver.received, receiver.received[1:], strict=False)]
    assert all(wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2), strict=True))


def test_a_delivery_that_nobody_takes_is_given_up_and_listed_as_undelivered(
    sandbox: Running, receiver: Receiver
) -> None:
    receiver.answers = [500] * 4
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: states(sandbox) == {"failed": 1})
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: states(sandbox) == {"failed": 1, "delivered": 1})
    events = sandbox.client.v1.events
    failed = events.list({"delivery_success": False}).data
    assert [event.id for event in failed] == [receiver.received[0].event_id]
    assert len(events.list({"delivery_success": True}).data) == 1
    sandbox.control("resend", {"event": failed[0].id})
    wait_until(lambda: events.list({"delivery_success": False}).data == [])


def test_retries_wait_by_the_sandbox_clock(receiver: Receiver) -> None:
    clock = FrozenClock(datetime(2027, 3, 1, tzinfo=UTC))
    receiver.answers = [500]
    with running(webhook_url=receiver.url, clock=clock, retry_seconds=(3600,)) as sandbox:
        sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
        # Until the answer is noted: from then on the next attempt is an hour away.
        wait_until(lambda: bool(sandbox.control("deliveries")["deliveries"][0]["attempts"]))
        assert len(receiver.received) == 1
        clock.advance(timedelta(hours=1))
        wait_until(lambda: states(sandbox) == {"delivered": 1})


def test_nobody_there_is_a_failure_like_any_other(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhook-endpoint", {"url": "http://127.0.0.1:9/nobody"})
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: bool(sandbox.control("deliveries")["deliveries"][0]["attempts"]))
    sandbox.control("webhook-endpoint", {"url": receiver.url})
    wait_until(lambda: states(sandbox) == {"delivered": 1})


def test_duplicates_arrive_one_after_the_other(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"mode": "duplicate", "copies": 3})
    sandbox.pay()
    wait_until(lambda: states(sandbox) == {"delivered": 15})
    assert receiver.types() == [event_type for event_type in PAID for _ in range(3)]
    assert set(Counter(item.event_id for item in receiver.received).values()) == {3}


def test_duplicates_can_arrive_at_the_same_instant(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"mode": "duplicate", "copies": 4, "together": True})
    receiver.pause = 0.3
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: len(receiver.received) == 4)
    moments = [item.at for item in receiver.received]
    assert max(moments) - min(moments) < 0.3
    wait_until(lambda: states(sandbox) == {"delivered": 1})


def test_reordered_events_arrive_last_first(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"mode": "reorder", "milliseconds": 400})
    sandbox.pay()
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: states(sandbox) == {"delivered": 6})
    assert receiver.types() == ["checkout.session.expired", *reversed(PAID)]


def test_everything_doubled_and_shuffled(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"modes": ["duplicate", "reorder"], "milliseconds": 300, "seed": 7})
    sandbox.pay()
    wait_until(lambda: states(sandbox) == {"delivered": 10})
    assert Counter(receiver.types()) == dict.fromkeys(PAID, 2)
    assert receiver.types() not in (
        [t for t in PAID for _ in range(2)],
        [t for t in reversed(PAID) for _ in range(2)],
    )


def test_delayed_events_arrive_later(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control(
        "webhooks", {"mode": "delay", "milliseconds": 500, "types": ["checkout.session.completed"]}
    )
    sandbox.pay()
    wait_until(lambda: states(sandbox) == {"delivered": 5})
    assert receiver.types()[-1] == "checkout.session.completed"
    assert receiver.received[-1].at - receiver.received[-2].at > 0.2


def test_dropped_events_never_arrive_but_stay_in_the_list(sandbox: Running, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"mode": "drop"})
    sandbox.pay()
    assert states(sandbox) == {"dropped": 5}
    sandbox.control("webhooks", {"mode": "normal"})
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: receiver.types() == ["checkout.session.expired"])
    undelivered = sandbox.client.v1.events.list({"delivery_success": False}).data
    assert [event.type for event in reversed(undelivered)] == PAID


@pytest.mark.parametrize("mode", ["bad_signature", "stale"])
def test_forged_and_old_signatures_are_refused_by_the_library(
    sandbox: Running, receiver: Receiver, mode: str
) -> None:
    sandbox.control("webhooks", {"mode": mode})
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: len(receiver.received) >= 1)
    assert receiver.received[0].event is None
    verify: Any = stripe.WebhookSignature.verify_header
    payload, signature = receiver.received[0].body.decode(), receiver.received[0].signature
    if mode == "stale":
        # Only its age is wrong.
        assert verify(payload, signature, "whsec_sandbox", tolerance=3600)
    else:
        with pytest.raises(stripe.SignatureVerificationError):
            verify(payload, signature, "whsec_sandbox", tolerance=3600)
    sandbox.control("webhooks", {"mode": "normal"})
    wait_until(lambda: receiver.types() == ["checkout.session.expired"])


def test_two_secrets_sign_while_one_replaces_the_other(sandbox: Running, receiver: Receiver) -> None:
    change = {"url": receiver.url, "secret": "whsec_new", "previous_secret": "whsec_sandbox"}
    sandbox.control("webhook-endpoint", change)
    sandbox.client.v1.checkout.sessions.expire(sandbox.open_session().id)
    wait_until(lambda: receiver.types() == ["checkout.session.expired"])
    assert receiver.received[0].signature.count("v1=") == 2
    receiver.secret = "whsec_new"
    assert receiver.take(receiver.received[0].body, receiver.received[0].signature) == 200


def test_only_enabled_events_are_sent(sandbox: Running, receiver: Receiver) -> None:
    enabled = ["checkout.session.completed", "charge.refunded"]
    sandbox.control("webhook-endpoint", {"url": receiver.url, "enabled_events": enabled})
    sandbox.control("refund", {"charge": sandbox.pay().id})
    wait_until(lambda: states(sandbox) == {"delivered": 2})
    assert receiver.types() == enabled


def test_a_slow_receiver_does_not_hold_up_the_api(sandbox: Running, receiver: Receiver) -> None:
    receiver.pause = 1.0
    sandbox.pay()
    second = threading.Thread(target=sandbox.pay, daemon=True)
    second.start()
    second.join(0.9)
    assert not second.is_alive()


def test_events_are_filtered_paged_and_forgotten_after_thirty_days() -> None:
    clock = FrozenClock(datetime(2027, 3, 1, tzinfo=UTC))
    with running(clock=clock, background=False) as sandbox:
        sandbox.control("refund", {"charge": sandbox.pay().id})
        events = sandbox.client.v1.events
        everything = [event.id for event in events.list({"limit": 100}).data]
        assert [event.id for event in events.list({"limit": 3}).auto_paging_iter()] == everything
        assert len(everything) == 8
        assert {str(e.type) for e in events.list({"type": "refund.*"}).data} == {
            "refund.created",
            "refund.updated",
        }
        chosen = events.list({"types": ["charge.refunded", "charge.succeeded"]}).data
        assert [event.type for event in chosen] == ["charge.refunded", "charge.succeeded"]
        start = int(clock.now().timestamp())
        assert events.list({"created": {"lt": start}}).data == []
        assert len(events.list({"created": {"gte": start}, "limit": 100}).data) == 8
        clock.advance(timedelta(days=30))
        assert events.list().data == []
