"""The payer's pages: to Stripe, and back from there."""

import re
from datetime import datetime
from typing import Any, Protocol, cast

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from services.payment.commands import RequestCheckout
from services.payment.domain import AccountState, CheckoutState
from services.payment.gateways.base import PaymentGateway, RequestRefused
from services.payment.queries import PageStanding, standing_of_booking, standing_of_session
from services.payment.tasks import begin_checkout, read_session
from services.payment.web.words import show_money
from shared.auth.guards import link, public
from shared.auth.links import BadLink, Link, NotHeardYet, check_version
from shared.errors import NotFound, Unavailable
from shared.web.current import current_service
from shared.web.pages import page, see_other
from shared.web.patience import heard

blueprint = Blueprint("pay", __name__)

_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,200}")
_COOKIE = "rostrum_pay"
_COOKIE_SECONDS = 24 * 3600
_MOST_LOOKS = 20
_GONE = ("too_late", "returned")


class CheckoutSettings(Protocol):
    """What these pages need of the settings."""

    @property
    def public_url(self) -> str: ...
    @property
    def session_minutes(self) -> int: ...


@blueprint.get("/pay/<token>")
@link("pay")
def pay(link: Link) -> AnyResponse:
    """Open or find the one session and go there. A repetition finds the same session and spends nothing."""
    service = current_service()
    settings = cast(CheckoutSettings, service.settings)
    standing = heard(lambda: _standing_behind(link))
    command = RequestCheckout(
        booking_id=link.subject_id,
        public_url=settings.public_url,
        session_minutes=settings.session_minutes,
    )
    token = str((request.view_args or {}).get("token", ""))
    try:
        offer = begin_checkout(
            command,
            transactions=service.transactions,
            gateway=service.gateway(PaymentGateway),  # type: ignore[type-abstract]  # the port is the key
            checkpoint=service.checkpoint,
        )
    except Unavailable:
        response = _page("payment/unreachable.html", 503, standing=standing, token=token)
        response.headers["Retry-After"] = "10"
        return _remember(response, token)
    if offer.refusal == "unheard":
        raise NotHeardYet
    if offer.refusal is None and offer.checkout is not None and offer.checkout.url is not None:
        return _remember(see_other(offer.checkout.url), token)
    refusal = offer.refusal or "too_late"
    status = 410 if refusal in _GONE else 200
    shown = _page(
        "payment/not_payable.html", status, standing=_standing_behind(link), refusal=refusal, token=token
    )
    return _remember(shown, token)


@blueprint.get("/pay/return/<session_id>")
@public("whoever comes back from Stripe's page holds its unguessable session id; no personal data is shown")
def come_back(session_id: str) -> AnyResponse:
    """Read the session, run the same command as its webhook would, and say what happened."""
    standing = _standing_of(session_id)
    if standing is None or standing.checkout is None:
        raise NotFound(
            "session_unknown",
            "We do not know this payment page. Open your booking from the link in your e-mail: it shows"
            " whether the payment has arrived.",
        )
    unread = False
    if standing.checkout.live:
        service = current_service()
        try:
            read_session(
                standing.checkout,
                transactions=service.transactions,
                gateway=service.gateway(PaymentGateway),  # type: ignore[type-abstract]  # the port is the key
                checkpoint=service.checkpoint,
            )
        except (Unavailable, RequestRefused):
            # The webhook or the timer will tell; the page must not fail because Stripe is slow.
            unread = True
        standing = _standing_of(session_id) or standing
    outcome = _outcome(standing, unread=unread)
    response = _page(
        "payment/return.html", 200, standing=standing, outcome=outcome, token=_own_token(standing)
    )
    _look_again(response, waiting=outcome in ("paid", "late", "unread"))
    return response


@blueprint.get("/pay/cancelled")
@public("Stripe's page leads back here when the payer turns round; details only with the payer's own cookie")
def turn_round() -> AnyResponse:
    """Nothing was paid at this page; say until when it can be, and how to go on."""
    token = request.cookies.get(_cookie_name(), "")
    standing: PageStanding | None = None
    if token:
        try:
            standing = _standing_behind(current_service().links.verify("pay", token))
        except (BadLink, NotHeardYet):
            token = ""
    if standing is not None and standing.money_differs:
        # The payer left one page, after money had come by another one.
        return _page("payment/not_payable.html", 200, standing=standing, refusal="under_review", token=token)
    payable_until = _payable_until(standing) if standing is not None else None
    return _page("payment/cancelled.html", 200, standing=standing, token=token, payable_until=payable_until)


def _payable_until(standing: PageStanding) -> datetime | None:
    """The last moment to pay, while it has not passed and there is still something to pay."""
    checkout, payable = standing.checkout, standing.payable
    if standing.account.state is not AccountState.OPEN or payable is None:
        return None
    last = checkout.expires_at if checkout is not None and checkout.live else payable.pay_by
    return last if current_service().clock.now() < last else None


def _outcome(standing: PageStanding, *, unread: bool) -> str:
    account, checkout = standing.account, standing.checkout
    if account.state is AccountState.SETTLED:
        if account.confirmed_at is not None:
            return "confirmed"
        return "late" if account.expired_at is not None else "paid"
    if account.state in (AccountState.REFUND_DUE, AccountState.DISPUTED, AccountState.RETURNED):
        return account.state.value
    if standing.money_differs:
        return "under_review"
    if standing.money_went_back and (checkout is None or not checkout.live):
        return "returned"
    if checkout is not None and checkout.state is CheckoutState.PROCESSING:
        return "processing"
    if unread:
        return "unread"
    if checkout is not None and checkout.state is CheckoutState.OPEN:
        return "unpaid"
    return "closed"


def _look_again(response: Response, *, waiting: bool) -> None:
    # A header works without script; the count keeps a forgotten tab from asking for ever.
    text = request.args.get("look", "0")
    looks = int(text) if text.isdecimal() and len(text) < 4 else _MOST_LOOKS
    if waiting and looks < _MOST_LOOKS:
        response.headers["Refresh"] = f"{2 if looks < 5 else 5}; url=?look={looks + 1}"


def _standing_behind(link: Link) -> PageStanding:
    with current_service().transactions.read() as session:
        standing = standing_of_booking(session, link.subject_id)
    if standing is None:
        raise NotHeardYet
    check_version(link, standing.account.link_version or 0)
    return standing


def _standing_of(session_id: str) -> PageStanding | None:
    if not _SESSION_ID.fullmatch(session_id):
        return None
    with current_service().transactions.read() as session:
        return standing_of_session(session, session_id)


def _own_token(standing: PageStanding) -> str:
    """The payer's link from the cookie, if it is for this very booking."""
    token = request.cookies.get(_cookie_name(), "")
    try:
        link = current_service().links.verify("pay", token)
    except BadLink:
        return ""
    return token if link.subject_id == standing.account.booking_id else ""


def _page(template: str, status: int, **context: Any) -> Response:
    return page(template, status, show_money=show_money, now=current_service().clock.now(), **context)


def _secure() -> bool:
    return current_service().settings.public_url.startswith("https:")


def _cookie_name() -> str:
    return f"__Secure-{_COOKIE}" if _secure() else _COOKIE


def _remember(response: AnyResponse, token: str) -> AnyResponse:
    # The way back from Stripe has no token in its address; this cookie brings it, to these pages only.
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=_COOKIE_SECONDS,
        path="/pay",
        secure=_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response
