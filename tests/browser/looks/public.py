"""What students, payers and passers-by see."""

from playwright.sync_api import Page

from tests.browser.looks.look import Look, Where, press
from tests.browser.scene import LONG_PERSON, Scene
from tests.support import whole_story as story


def _fill_in(page: Page) -> None:
    for index in (1, 2):
        person = page.get_by_role("group", name=f"Attendee {index}")
        person.get_by_label("Given name").fill(LONG_PERSON["given_name"])
        person.get_by_label("Family name").fill(LONG_PERSON["family_name"])
        person.get_by_label("E-mail address", exact=True).fill(f"somebody-{'x' * 30}-{index}@example.com")
    press("Continue")(page)


def _fail_to_sign_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    press("Sign in")(page)


def _hold_seats(scene: Scene) -> None:
    """More time is offered a minute after the booking, and only once for each."""
    seats = [story.attendee(**LONG_PERSON), story.attendee()]
    scene.orders["extended"] = story.book(scene.site, scene.workshops["coming"], 2, attendees=seats)
    scene.site.pass_time(minutes=1)


def _ask_too_late(page: Page) -> None:
    """Open the payment page in another window, then ask for more time in this one."""
    pay = page.get_by_role("link", name="Pay now").get_attribute("href")
    page.context.request.get(f"{page.url.split('/bookings')[0]}{pay}")
    press("Keep my seats longer")(page)


def _break_stripe(scene: Scene) -> None:
    scene.site.stripe.pull("faults", kind="server_error", method="*", times=99)


def _mend_stripe(scene: Scene) -> None:
    scene.site.stripe.pull("faults", clear=True)


def _booking(name: str) -> Where:
    return lambda scene: scene.orders[name].booking_url


def _certificate(name: str, seat: int = 0) -> Where:
    return lambda scene: scene.orders[name].certificate_urls[seat]


def _workshop(name: str, rest: str = "") -> Where:
    return lambda scene: f"/workshops/{scene.workshops[name]}{rest}"


def _pay(name: str) -> Where:
    return lambda scene: scene.orders[name].pay_url


def _back(name: str) -> Where:
    return lambda scene: f"/pay/return/{scene.sessions[name]}"


WORKSHOP, BOOK = "GET /workshops/<uuid:workshop_id>", "/workshops/<uuid:workshop_id>/book"
BOOKING, PAY, RETURN = "GET /bookings/<token>", "GET /pay/<token>", "GET /pay/return/<session_id>"
CERTIFICATE, ATTENDANCE = "GET /certificates/<token>", "GET /certificates/<token>/attendance"
SIGN_IN, NOWHERE = "/staff/login", "nothing"

LOOKS = (
    Look(name="home", shows="GET /", where="/"),
    Look(name="home moved", shows="GET /", where="/?moved=day", often=False),
    Look(name="home empty", shows="GET /", where="/", first_day=True, often=False),
    Look(name="catalogue", shows="GET /workshops", where="/workshops"),
    Look(name="catalogue empty", shows="GET /workshops", where="/workshops", first_day=True),
    Look(name="workshop", shows=WORKSHOP, where=_workshop("coming")),
    Look(name="workshop full", shows=WORKSHOP, where=_workshop("full"), often=False),
    Look(name="workshop over", shows=WORKSHOP, where=_workshop("completed"), often=False),
    Look(name="details of one", shows=f"GET {BOOK}", where=_workshop("coming", "/book?seats=1"), often=False),
    Look(name="details of three", shows=f"GET {BOOK}", where=_workshop("nobody", "/book?seats=3")),
    Look(
        name="details with errors",
        shows=f"POST {BOOK}",
        where=_workshop("coming", "/book?seats=2"),
        then=press("Continue"),
        status=422,
    ),
    Look(name="check", shows=f"POST {BOOK}", where=_workshop("coming", "/book?seats=2"), then=_fill_in),
    Look(name="booking held", shows=BOOKING, where=_booking("held")),
    Look(
        name="booking held with an error",
        shows=f"POST {BOOKING.removeprefix('GET ')}/more-time",
        where=_booking("extended"),
        before=_hold_seats,
        then=_ask_too_late,
        status=409,
    ),
    Look(name="booking expired", shows=BOOKING, where=_booking("expired"), often=False),
    Look(name="booking unseated", shows=BOOKING, where=_booking("unseated"), often=False),
    Look(name="booking unseated because it had begun", shows=BOOKING, where=_booking("begun"), often=False),
    Look(name="booking confirmed", shows=BOOKING, where=_booking("confirmed")),
    Look(name="booking done", shows=BOOKING, where=_booking("done"), often=False),
    Look(name="booking disputed", shows=BOOKING, where=_booking("disputed"), often=False),
    Look(name="booking refunded", shows=BOOKING, where=_booking("refunded"), often=False),
    Look(name="booking wrong amount", shows=BOOKING, where=_booking("wrong"), often=False),
    *(
        Look(name=f"booking {name}", shows=BOOKING, where=_booking(name), often=False)
        for name in ("returned", "returned late", "returned over")
    ),
    Look(
        name="booking unheard",
        shows=BOOKING,
        where=lambda scene: f"/bookings/{scene.unheard('booking')}",
        status=202,
    ),
    Look(name="booking bad link", shows=BOOKING, where="/bookings/nonsense", status=404, often=False),
    Look(name="pay settled", shows=PAY, where=_pay("done"), often=False),
    Look(name="pay too late", shows=PAY, where=_pay("expired"), status=410),
    Look(name="pay disputed", shows=PAY, where=_pay("disputed"), often=False),
    Look(
        name="pay returned",
        shows=PAY,
        where=_pay("refunded"),
        status=410,
        often=False,
    ),
    *(
        Look(name=f"pay {name}", shows=PAY, where=_pay(name), status=410, often=False)
        for name in ("returned late", "returned over")
    ),
    Look(name="pay refund due", shows=PAY, where=_pay("unseated"), often=False),
    Look(name="pay wrong amount", shows=PAY, where=_pay("wrong"), often=False),
    Look(
        name="pay unreachable",
        shows=PAY,
        where=_pay("trouble"),
        before=_break_stripe,
        after=_mend_stripe,
        status=503,
    ),
    Look(name="return confirmed", shows=RETURN, where=_back("confirmed")),
    Look(name="return unpaid", shows=RETURN, where=_back("held")),
    Look(name="return closed", shows=RETURN, where=_back("expired"), often=False),
    Look(name="return refund due", shows=RETURN, where=_back("unseated"), often=False),
    Look(name="return wrong amount", shows=RETURN, where=_back("wrong"), often=False),
    *(
        Look(name=f"return {name}", shows=RETURN, where=_back(name), often=False)
        for name in ("returned late", "returned over")
    ),
    Look(name="return unknown", shows=RETURN, where="/pay/return/cs_test_nothing", status=404, often=False),
    Look(name="cancelled", shows="GET /pay/cancelled", where="/pay/cancelled"),
    Look(name="certificate waiting", shows=CERTIFICATE, where=_certificate("confirmed"), often=False),
    Look(name="certificate not paid", shows=CERTIFICATE, where=_certificate("held"), often=False),
    Look(name="certificate issued", shows=CERTIFICATE, where=_certificate("done")),
    Look(name="certificate submitted", shows=CERTIFICATE, where=_certificate("submitted"), often=False),
    Look(name="certificate missed", shows=CERTIFICATE, where=_certificate("missed"), often=False),
    Look(name="certificate refused", shows=CERTIFICATE, where=_certificate("refused"), often=False),
    Look(name="certificate stranded", shows=CERTIFICATE, where=_certificate("stranded"), often=False),
    Look(name="certificate on hold", shows=CERTIFICATE, where=_certificate("flagged")),
    Look(name="certificate exam", shows=CERTIFICATE, where=_certificate("exam"), often=False),
    Look(
        name="attendance",
        shows=ATTENDANCE,
        where=lambda scene: scene.orders["done"].certificate_urls[0] + "/attendance",
    ),
    Look(
        name="attendance not yet",
        shows=ATTENDANCE,
        where=lambda scene: scene.orders["held"].certificate_urls[0] + "/attendance",
        status=409,
        often=False,
    ),
    Look(
        name="verification",
        shows="GET /verify/<number>",
        where=lambda scene: f"/verify/{scene.certificate_number('done')}",
    ),
    Look(
        name="verification on hold",
        shows="GET /verify/<number>",
        where=lambda scene: f"/verify/{scene.certificate_number('flagged')}",
        often=False,
    ),
    Look(
        name="verification unknown",
        shows="GET /verify/<number>",
        where="/verify/AAAA-AAAA-AAAA",
        status=404,
        often=False,
    ),
    Look(name="sign in", shows=f"GET {SIGN_IN}", where=SIGN_IN),
    Look(
        name="sign in with errors", shows=f"POST {SIGN_IN}", where=SIGN_IN, then=_fail_to_sign_in, status=422
    ),
    Look(name="not found", shows=NOWHERE, where="/nowhere", status=404),
)
