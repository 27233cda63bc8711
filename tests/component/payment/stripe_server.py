"""The Stripe sandbox on a port of its own, and its levers."""

import threading
from typing import Any

import requests
from werkzeug.serving import make_server

from deploy.sandbox.stripe.app import create_app as create_sandbox
from deploy.sandbox.stripe.config import StripeSandboxConfig
from shared.clock import FrozenClock


class StripeServer:
    """The sandbox on a port of its own, and its levers."""

    def __init__(self, clock: FrozenClock) -> None:
        self.app = create_sandbox(StripeSandboxConfig(clock=clock))
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def pull(self, lever: str, **sent: Any) -> Any:
        """POST to the sandbox's control interface."""
        answer = requests.post(f"{self.url}/_sandbox/{lever}", json=sent, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        """Everything the sandbox knows."""
        found: dict[str, Any] = requests.get(f"{self.url}/_sandbox/state", timeout=10).json()
        return found

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Its events, oldest first."""
        found = list(reversed(self.state()["event"]))
        return [event for event in found if not types or event["type"] in types]

    def sessions(self) -> list[dict[str, Any]]:
        """Its checkout sessions, oldest first."""
        return list(reversed(self.state()["checkout.session"]))

    def close(self) -> None:
        """Stop answering: from now on Stripe is down."""
        self._server.shutdown()
        self._server.server_close()
