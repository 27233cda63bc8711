"""The page at `/`: what people see of the sandbox in `make run`."""

from datetime import UTC, datetime
from itertools import islice

from flask import Blueprint, render_template

from deploy.sandbox.stripe.events import ENDPOINT, MODES
from deploy.sandbox.stripe.faults import KINDS
from deploy.sandbox.stripe.sandbox import current_sandbox
from deploy.sandbox.stripe.store import CHARGE, DELIVERY, DISPUTE, SESSION, SETTING, JsonObject, Transaction

blueprint = Blueprint("dashboard", __name__)

SHOWN = 50


def show_time(moment: float) -> str:
    """A moment as text."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@blueprint.get("/")
def show_dashboard() -> str:
    """Sessions, charges and webhook deliveries, the latest first."""
    sandbox = current_sandbox()
    with sandbox.transaction() as tx:
        sessions = list(islice(tx.newest_first(SESSION), SHOWN))
        charges = [_with_dispute(tx, charge) for charge in islice(tx.newest_first(CHARGE), SHOWN)]
        deliveries = list(islice(tx.newest_first(DELIVERY), SHOWN))
        endpoint = tx.get(SETTING, ENDPOINT)
        now = tx.now
    return render_template(
        "stripe_sandbox/dashboard.html",
        sessions=sessions,
        charges=charges,
        deliveries=deliveries,
        endpoint=endpoint,
        now=now,
        mode=sandbox.mode(),
        modes=MODES,
        faults=sandbox.faults.waiting(),
        fault_kinds=KINDS,
        public_url=sandbox.config.public_url,
    )


def _with_dispute(tx: Transaction, charge: JsonObject) -> JsonObject:
    dispute = None
    if charge["disputed"]:
        dispute = next((item for item in tx.newest_first(DISPUTE) if item["charge"] == charge["id"]), None)
    return {**charge, "dispute": dispute}
