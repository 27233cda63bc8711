"""Finance: what was expected, what came, and what somebody has to look at."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, request

from services.payment.domain import AccountState
from services.payment.queries import (
    FinanceFilter,
    FinanceRow,
    count_rows,
    finance_rows,
    money_story,
    totals,
)
from services.payment.web import words
from services.payment.web.timeline import timeline_of
from shared.auth.guards import staff
from shared.errors import NotFound
from shared.money import CURRENCIES
from shared.web.csv_export import Cell, csv_response
from shared.web.current import current_service
from shared.web.pages import page, page_number

blueprint = Blueprint("finance", __name__)

_PAGE = 50
_SHOWN_STATES = [state for state in words.ACCOUNT_STATES if state is not AccountState.UNHEARD]

SHOW_OPTIONS: tuple[tuple[str, str], ...] = (
    ("", "All bookings"),
    ("attention", "Needs attention"),
    *((f"attention:{code}", f"Needs attention: {text}") for code, (text, _) in words.ATTENTION.items()),
    *((f"state:{state.value}", words.ACCOUNT_STATES[state][0]) for state in _SHOWN_STATES),
)

_HEADER = (
    "Reference", "Booked at", "Workshop", "Payer", "E-mail", "State", "Needs attention", "Currency",
    "Expected", "Received", "Difference", "Received in other currencies", "Booking id",
)  # fmt: skip


@blueprint.get("/finance")
@staff("finance", "admin")
def list_bookings() -> Response:
    """Expected, received and difference per booking."""
    wanted = _wanted()
    number = page_number()
    with current_service().transactions.read() as session:
        count = count_rows(session, wanted)
        pages = max(1, -(-count // _PAGE))
        number = min(number, pages)
        rows = list(finance_rows(session, wanted, limit=_PAGE, offset=(number - 1) * _PAGE))
        sums = totals(session, wanted)
    return page(
        "payment/finance.html",
        rows=rows,
        sums=sums,
        count=count,
        number=number,
        pages=pages,
        q=wanted.query,
        show=_show(),
        options=SHOW_OPTIONS,
        csv_url=f"/finance/bookings.csv{_question()}",
        page_url=f"/finance{_question()}",
        words=words,
        filtered=bool(wanted.query or _show()),
    )


@blueprint.get("/finance/bookings.csv")
@staff("finance", "admin")
def export_bookings() -> Response:
    """The filter shown, whole, as CSV."""
    now = current_service().clock.now()
    return csv_response(f"rostrum-bookings-{now:%Y-%m-%d}.csv", _HEADER, _csv_rows(_wanted()))


@blueprint.get("/finance/bookings/<uuid:booking_id>")
@staff("finance", "admin")
def show_booking(booking_id: UUID) -> Response:
    """One booking's money from the first attempt to the last refund."""
    service = current_service()
    with service.transactions.read() as session:
        story = money_story(session, booking_id, now=service.clock.now())
    if story is None:
        raise NotFound("booking_unknown", "Finance has not heard of this booking. Search the list for it.")
    return page(
        "payment/booking.html",
        story=story,
        account=story.row.account,
        timeline=timeline_of(story),
        words=words,
    )


def _csv_rows(wanted: FinanceFilter) -> Iterator[tuple[Cell, ...]]:
    with current_service().transactions.read() as session:
        for row in finance_rows(session, wanted):
            yield _csv_row(row)


def _csv_row(row: FinanceRow) -> tuple[Cell, ...]:
    account = row.account
    currency = account.currency or ""
    others = "; ".join(f"{_major(amount, code)} {code}" for code, amount in row.otherwise_received)
    return (
        account.reference,
        account.heard_at,
        account.workshop_title,
        account.payer_name,
        account.payer_email,
        words.ACCOUNT_STATES[account.state][0],
        ", ".join(words.ATTENTION[code][0] for code in row.attention),
        currency,
        _major(account.expected_minor, currency),
        _major(account.received_minor, currency),
        _major(row.difference_minor, currency),
        others,
        str(account.booking_id),
    )


def _major(amount_minor: int, currency: str) -> Decimal:
    # Spreadsheets add up numbers; a currency prices never have counts as one with two decimals.
    return Decimal(amount_minor).scaleb(-CURRENCIES.get(currency, 2))


def _wanted() -> FinanceFilter:
    kind, _, value = _show().partition(":")
    attention = (value or "any") if kind == "attention" else None
    return FinanceFilter(
        now=current_service().clock.now(),
        query=request.args.get("q", "").replace("\x00", "").strip()[:200],
        state=AccountState(value) if kind == "state" else None,
        attention=attention,
    )


def _show() -> str:
    """The filter chosen; an address somebody mistyped shows everything."""
    chosen = request.args.get("show", "")
    return chosen if chosen in dict(SHOW_OPTIONS) else ""


def _question() -> str:
    asked: dict[str, Any] = {"show": _show(), "q": request.args.get("q", "").strip()[:200]}
    kept = {name: value for name, value in asked.items() if value}
    return f"?{urlencode(kept)}" if kept else ""
