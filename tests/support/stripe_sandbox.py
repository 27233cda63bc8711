"""A Stripe sandbox on a port of its own, the unmodified library that talks to it, and a receiver of webhooks.

`python -m tests.support.stripe_sandbox PORT STATE_FILE` serves one in a process that a test may kill.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import requests
import stripe
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from deploy.sandbox.stripe import API_VERSION, StripeSandboxConfig, create_app, start_background, stop
from shared.clock import Clock, SystemClock

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about ordinary requests."""


def wait_until(happened: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that another thread does; fail when it does not come."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@dataclass
class Received:
    """One webhook as it arrived."""

    body: bytes
    signature: str
    at: float
    event: stripe.Event | None

    @property
    def event_id(self) -> str:
        assert self.event is not None, "the signature was not accepted"
        return self.event.id

    @property
    def type(self) -> str:
        assert self.event is not None, "the signature was not accepted"
        return str(self.event.type)


@dataclass
class Receiver:
    """Takes webhooks, verifies them with Stripe's library and answers with the next of `answers`, or 200."""

    secret: str = "whsec_sandbox"
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    pause: float = 0.0
    url: str = ""

    def take(self, body: bytes, signature: str) -> int:
        """Note a webhook; 400 when its signature is not accepted."""
        event: stripe.Event | None = None
        with suppress(stripe.SignatureVerificationError):
            event = stripe.Webhook.construct_event(body, signature, self.secret)
        self.received.append(Received(body, signature, time.monotonic(), event))
        time.sleep(self.pause)
        if event is None:
            return 400
        return self.answers.pop(0) if self.answers else 200

    def types(self) -> list[str]:
        """The types of what was accepted, in the order of arrival."""
        return [item.type for item in self.received if item.event is not None]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(body, self.headers["Stripe-Signature"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing about ordinary requests."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    receiver.url = f"http://{HOST}:{server.server_port}/webhooks/stripe"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_client(url: str, *, retries: int = 0, api_key: str = "sk_test_sandbox") -> stripe.StripeClient:
    """The unmodified library, as Rostrum sets it up; without retries of its own unless asked for."""
    return stripe.StripeClient(
        api_key,
        stripe_version=API_VERSION,
        base_addresses={"api": url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=cast(Any, (3, 10))),
    )


@dataclass
class Running:
    """A sandbox that answers at `url`."""

    app: Flask
    url: str
    client: stripe.StripeClient

    def control(self, path: str, values: Mapping[str, Any] | None = None, *, status: int = 200) -> Any:
        """Use the control interface: POST with `values`, else GET."""
        address = f"{self.url}/_sandbox/{path}"
        if values is None:
            answer = requests.get(address, timeout=10)
        else:
            answer = requests.post(address, json=dict(values), timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def open_session(self, **changes: Any) -> stripe.checkout.Session:
        """A session for two seats at 120.00 EUR."""
        parameters = session_parameters(**changes)
        return self.client.v1.checkout.sessions.create(cast(Any, parameters))

    def pay(self, **changes: Any) -> stripe.Charge:
        """A session opened and paid."""
        session = self.open_session(**changes)
        charge_id = self.control("pay", {"session": session.id})["charge"]["id"]
        return self.client.v1.charges.retrieve(charge_id)

    def refusal(self, call: Callable[[], object]) -> stripe.StripeError:
        """The error that a call of the library raises."""
        try:
            call()
        except stripe.StripeError as error:
            return error
        raise AssertionError("the call was not refused")


def session_parameters(**changes: Any) -> dict[str, Any]:
    """What a session needs, with changes; None takes something away."""
    parameters: dict[str, Any] = {
        "mode": "payment",
        "line_items": [
            {
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 12000,
                    "product_data": {"name": "Certified Scrum Product Owner"},
                },
                "quantity": 2,
            }
        ],
        "success_url": "http://127.0.0.1:9/pay/return/{CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:9/pay/cancelled",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


@contextmanager
def running(
    *,
    webhook_url: str | None = None,
    clock: Clock | None = None,
    state_file: Path | None = None,
    port: int = 0,
    background: bool = True,
    retry_seconds: tuple[float, ...] = (0.05, 0.1, 0.2),
) -> Iterator[Running]:
    """A sandbox on a free port, its threads running."""
    server = make_server(HOST, port, Flask("none"), threaded=True, request_handler=_Quiet)
    url = f"http://{HOST}:{server.server_port}"
    app = create_app(
        StripeSandboxConfig(
            public_url=url,
            webhook_url=webhook_url,
            clock=clock or SystemClock(),
            state_file=state_file,
            retry_seconds=retry_seconds,
        )
    )
    server.app = app
    if background:
        start_background(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Running(app, url, make_client(url))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        stop(app)


def utc_now() -> int:
    """The machine's clock in Stripe's seconds."""
    return int(datetime.now(UTC).timestamp())


def main(port: str, state_file: str) -> None:
    """Serve until killed."""
    with running(port=int(port), state_file=Path(state_file)):
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
