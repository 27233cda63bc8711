"""The front door. In a sandbox a door for each kind of user and the demo's clock; otherwise the catalogue."""

from datetime import timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.enrollment import queries
from services.enrollment.tasks import SANDBOX_PASSWORD
from services.enrollment.web.catalogue import show_catalogue
from shared.auth.guards import public
from shared.clock import MovableClock
from shared.errors import Malformed, NotFound
from shared.service import Service
from shared.web.current import current_service
from shared.web.pages import page, see_other

blueprint = Blueprint("landing", __name__)

_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_A_LITTLE_LATER = timedelta(minutes=1)


@blueprint.get("/")
@public("the front door")
def show_home() -> ResponseReturnValue:
    """Where `/` leads."""
    service = current_service()
    settings = service.settings
    if not settings.sandbox:
        return show_catalogue()
    now = service.clock.now()
    with service.transactions.read() as session:
        entries = queries.catalogue(session, now)
        running = queries.next_to_end(session, now)
    return page(
        "enrollment/landing.html",
        next_workshop=next((entry for entry in entries if entry.seats_left > 0), None),
        running=running,
        now=now,
        movable=movable_clock(service) is not None,
        moved=request.args.get("moved"),
        password=SANDBOX_PASSWORD,
        stripe_url=getattr(settings, "checkout_origin", None),
        scrum_alliance_url=getattr(settings, "scrum_alliance_sandbox_url", None),
        mailbox_url=getattr(settings, "mailbox_url", None),
    )


@blueprint.post("/enrollment/clock")
@public("the demo's clock, which only a sandbox has; its visitors are everybody")
def move_clock() -> ResponseReturnValue:
    """Let time pass: an hour, a day, until the next workshop is over; or go back to real time."""
    service = current_service()
    clock = movable_clock(service)
    if clock is None:
        raise NotFound("no_demo_clock", "Time cannot be moved here: business time is real time.")
    step = request.form.get("step", "")
    if step == "real":
        clock.reset()
    elif step == "workshop":
        with service.transactions.read() as session:
            running = queries.next_to_end(session, clock.now())
        if running is None:
            return see_other("/?moved=nothing#clock")
        clock.advance(running.ends_at - clock.now() + _A_LITTLE_LATER)
    elif step in _STEPS:
        clock.advance(_STEPS[step])
    else:
        raise Malformed("unknown_step", "Go back to the start page and press one of its buttons.")
    return see_other(f"/?moved={step}#clock")


def movable_clock(service: Service) -> MovableClock | None:
    """The clock that a sandbox may move; None in production, whatever clock it has."""
    clock = service.clock
    return clock if service.settings.sandbox and isinstance(clock, MovableClock) else None
