"""The pages: activation for the student, the roster for whoever watches the sandbox."""

from datetime import datetime

from flask import Blueprint, Response, render_template, url_for

from deploy.sandbox.look import see_other
from deploy.sandbox.scrum_alliance.behaviour import KINDS
from deploy.sandbox.scrum_alliance.letters import activation_url
from deploy.sandbox.scrum_alliance.sandbox import current_sandbox

blueprint = Blueprint("pages", __name__, template_folder="templates")

SHOWN = 100


@blueprint.app_template_filter("moment")
def show_moment(text: str) -> str:
    """A stored moment as people read it."""
    return datetime.fromisoformat(text).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


@blueprint.app_template_filter("day")
def show_day(text: str) -> str:
    """A stored date as people read it."""
    return datetime.fromisoformat(text).strftime("%d %B %Y").lstrip("0")


@blueprint.get("/")
def show_roster() -> str:
    """Who is on the roster, how often we were asked, and how we behave."""
    sandbox = current_sandbox()
    members = sandbox.roster.newest(SHOWN)
    return render_template(
        "scrum_alliance/roster.html",
        members=members,
        links={member.id: activation_url(member, sandbox.config) for member in members},
        counters=sandbox.roster.counters(),
        kinds=KINDS,
        in_force=sandbox.behaviours.in_force(),
        auto_activate=sandbox.behaviours.auto_activate,
        now=sandbox.config.clock.now().isoformat(),
    )


@blueprint.get("/activate/<token>")
def show_activation(token: str) -> str | tuple[str, int]:
    """Where the letter leads: the licence before, the membership after."""
    member = current_sandbox().roster.by_token(token)
    if member is None:
        return render_template("scrum_alliance/unknown.html"), 404
    return render_template("scrum_alliance/activate.html", member=member)


@blueprint.post("/activate/<token>")
def activate(token: str) -> Response | tuple[str, int]:
    """The student accepts the licence."""
    sandbox = current_sandbox()
    member = sandbox.roster.by_token(token)
    if member is None:
        return render_template("scrum_alliance/unknown.html"), 404
    sandbox.roster.activate(member, sandbox.config.clock.now())
    return see_other(url_for("pages.show_activation", token=token))
