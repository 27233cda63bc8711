"""The page on which a buyer types a card: `/c/pay/<session>`. Plain forms, no JavaScript."""

import re
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from deploy.sandbox.stripe.cards import SUCCEEDS, TEST_CARDS, find_card, plausible
from deploy.sandbox.stripe.errors import ApiError
from deploy.sandbox.stripe.parameters import Email
from deploy.sandbox.stripe.payments import Payer, pay_session
from deploy.sandbox.stripe.sandbox import current_sandbox
from deploy.sandbox.stripe.store import LINE_ITEMS, SESSION, JsonObject, Transaction

blueprint = Blueprint("hosted", __name__)

Errors = dict[str, str]


@blueprint.get("/c/pay/<session_id>")
def show_page(session_id: str) -> AnyResponse:
    """Show what is to be paid, or what became of it."""
    with current_sandbox().transaction() as tx:
        session, lines = _find(tx, session_id)
    if session is None or session["status"] != "open":
        return _closed(session)
    typed = {
        "email": session["customer_email"] or "",
        "card_number": SUCCEEDS.spaced,
        "card_expiry": "12 / 34",
        "card_cvc": "123",
        "name": "",
    }
    return _page(session, lines, typed, {}, None, 200)


@blueprint.post("/c/pay/<session_id>")
def pay(session_id: str) -> AnyResponse:
    """Take the card: back to the shop when it is good, the same page with the reason when it is not."""
    names = ("email", "card_number", "card_expiry", "card_cvc", "name")
    typed = {name: request.form.get(name, "").strip() for name in names}
    with current_sandbox().transaction() as tx:
        session, lines = _find(tx, session_id)
        if session is None or session["status"] != "open":
            return _closed(session)
        typed["email"] = session["customer_email"] or typed["email"]
        payer, errors = _read(typed, tx.now)
        if payer is None:
            return _page(session, lines, typed, errors, None, 422)
        charge = pay_session(tx, session_id, payer)
        if charge["status"] == "failed":
            return _page(session, lines, typed, {}, charge["failure_message"], 402)
    return redirect(_return_address(session), code=303)


def _find(tx: Transaction, session_id: str) -> tuple[JsonObject | None, list[JsonObject]]:
    session = tx.get(SESSION, session_id)
    lines = tx.get(LINE_ITEMS, session_id)
    return session, lines["data"] if lines is not None else []


def _read(typed: dict[str, str], now: int) -> tuple[Payer | None, Errors]:
    errors: Errors = {}
    try:
        Email().load(typed["email"], "email")
    except ApiError:
        errors["email"] = "Enter your e-mail address, such as name@example.com."
    if not plausible(typed["card_number"]):
        errors["card_number"] = "Enter one of the test card numbers below."
    expiry = _expiry(typed["card_expiry"])
    if expiry is None:
        errors["card_expiry"] = "Enter the month and year, such as 12 / 34."
    elif (expiry[1], expiry[0]) < datetime.fromtimestamp(now, UTC).timetuple()[:2]:
        errors["card_expiry"] = "This card has expired."
    if re.fullmatch(r"[0-9]{3,4}", typed["card_cvc"]) is None:
        errors["card_cvc"] = "Enter the 3 or 4 digits of the security code."
    if not typed["name"]:
        errors["name"] = "Enter the name on the card."
    if errors or expiry is None:
        return None, errors
    card = find_card(typed["card_number"])
    return Payer(email=typed["email"], name=typed["name"][:200], card=card, expiry=expiry), {}


def _expiry(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"([0-9]{1,2})\s*/?\s*(?:20)?([0-9]{2})", text)
    if match is None or not 1 <= int(match[1]) <= 12:
        return None
    return int(match[1]), 2000 + int(match[2])


def _return_address(session: JsonObject) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _page(
    session: JsonObject,
    lines: list[JsonObject],
    typed: dict[str, str],
    errors: Errors,
    declined: str | None,
    status: int,
) -> Response:
    cards = [(card.spaced, card.effect) for card in TEST_CARDS.values()]
    return _render(
        "stripe_sandbox/pay.html",
        status,
        session=session,
        lines=lines,
        typed=typed,
        errors=errors,
        declined=declined,
        cards=cards,
    )


def _closed(session: JsonObject | None) -> Response:
    if session is None:
        return _render("stripe_sandbox/closed.html", 404, session=None, onward=None)
    paid = session["status"] == "complete"
    onward = _return_address(session) if paid else session["cancel_url"]
    return _render("stripe_sandbox/closed.html", 200 if paid else 410, session=session, onward=onward)


def _render(template: str, status: int, **context: Any) -> Response:
    return make_response(render_template(template, **context), status)
