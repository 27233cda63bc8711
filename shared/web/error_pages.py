"""What a person sees when something went wrong: what happened, what it means, and the way on."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, g, make_response, render_template, request

_SAFE = {"GET", "HEAD"}
_MOST_REFRESHES = 30

_NOTHING_CHANGED = "Nothing was changed. Go back, and look at how things stand now."
_TEXTS: Mapping[int, str] = {
    400: "Go back, load the page again, and send it once more. What you had typed may have to be typed again.",
    403: "Nothing was changed. If you have another account, sign out above and come in with that one.",
    404: (
        "The links in our e-mails open what is yours. A long link is sometimes cut in two by the mail program:"
        " then copy all of it into the address bar."
    ),
    405: (
        "This usually happens when a page that a form had sent is loaded again. Nothing was changed. Go back one"
        " page and use the button there."
    ),
    409: _NOTHING_CHANGED,
    410: _NOTHING_CHANGED,
    413: "Nothing was stored. Go back, shorten what you typed, and send it again.",
    415: "Nothing was changed.",
    422: "Nothing was changed. Go back: what you typed is usually still there.",
    429: "It protects against guessing, and ends by itself.",
    500: "It is noted with us under the reference below. If it happens again, write to us and quote it.",
    503: "Your place is kept: what you have done so far is stored.",
}


_TEXTS_OF_CODES: Mapping[str, str] = {
    # It says all there is to say.
    "form_too_old": "",
}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do: in words, and the address to try again where repeating does no harm."""

    text: str
    again: str | None = None


def advice_on(status: int, code: str, retry_after: str | None = None) -> Advice:
    """What helps after this status, for the request at hand."""
    usual = _TEXTS.get(status, _TEXTS[500] if status >= 500 else _NOTHING_CHANGED)
    text = _TEXTS_OF_CODES.get(code, usual)
    if retry_after is not None and retry_after.isdecimal():
        seconds = int(retry_after)
        wait = "1 second" if seconds == 1 else f"{seconds} seconds"
        text = f"Try again in {wait}. {text}"
    repeatable = request.method in _SAFE and (status >= 500 or status == 429)
    return Advice(text=text, again=request.full_path.rstrip("?") if repeatable else None)


def one_moment() -> Response:
    """Shown while news is on its way: the page comes back by itself, and gives up after a minute."""
    tried = request.args.get("moment", "")
    count = min(int(tried), _MOST_REFRESHES) if tried.isdecimal() and len(tried) < 4 else 0
    waiting = count < _MOST_REFRESHES
    response = make_response(
        render_template(
            "rostrum/one_moment.html", waiting=waiting, reference=g.get("rostrum_correlation", "")
        )
    )
    # The page is an answer, not a failure: monitoring must not count a race as one.
    response.status_code = 202
    if waiting:
        # A header, not a meta element: it works without script as well, and stays out of the document.
        response.headers["Refresh"] = f"2; url=?moment={count + 1}"
    return response
