"""Where is my certificate? Each fact: there or missing, who can supply it, what happens next, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.certification.domain.activation import Activation
from services.certification.domain.facts import Coverage, Facts, Seat
from services.certification.domain.judgement import OBSTACLES, Explanation, Obstacle, judge
from services.certification.queries import CertificateView
from shared.web.filters import show_date, show_minutes

StepState = Literal["done", "current", "todo", "problem"]

MAIL_WITHIN = timedelta(days=2)
"""Providers report that the Scrum Alliance's e-mail usually comes one to two days after the submission."""

_DECISION = "Your trainer decided that this was not met. Talk to them: a corrected result goes on by itself."

REFUSALS: Mapping[str, str] = {
    "unknown_email": "The Scrum Alliance could not use this e-mail address.",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the page. `who` can supply what is missing."""

    title: str
    state: StepState
    text: str
    at: datetime | None = None
    who: str | None = None


def obstacles(view: CertificateView) -> list[tuple[Obstacle, Explanation]]:
    """What stands in the way, with its explanation."""
    return [(obstacle, OBSTACLES[obstacle]) for obstacle in judge(view.join.facts)]


def steps(view: CertificateView, now: datetime) -> list[Step]:
    """The whole way, in order."""
    found = [_seat(view), _payment(view), _attendance(view), *_decisions(view), _submitted(view)]
    found.append(_activated(view, now))
    if view.course is not None and view.course.exam_required:
        found.append(exam_step(view))
    found.append(_certified(view))
    return found


def attended(view: CertificateView) -> bool:
    """Whether a certificate of attendance can be printed: assessed, and all minutes were there."""
    join = view.join
    if join.attended_minutes is None or join.required_minutes is None:
        return False
    return join.seat is Seat.CONFIRMED and join.attended_minutes >= join.required_minutes


def _only(seat: Seat | None, coverage: Coverage | None) -> Explanation | None:
    """The explanation of one fact, the others taken as good."""
    found = judge(Facts(seat=seat, coverage=coverage, eligible=True))
    return OBSTACLES[found[0]] if found else None


def _seat(view: CertificateView) -> Step:
    missing = _only(view.join.seat, Coverage.COVERED)
    if missing is None:
        text = (
            f"Booking {view.join.booking_reference}" if view.join.booking_reference else "Your seat is kept."
        )
        return Step(title="Seat confirmed", state="done", text=text, at=view.join.seat_heard_at)
    lost = view.join.seat is not None
    return _missing("Seat confirmed", missing, "problem" if lost else "todo")


def _payment(view: CertificateView) -> Step:
    missing = _only(Seat.CONFIRMED, view.join.coverage)
    if missing is None:
        text = "The payment for your seat is confirmed."
        return Step(title="Payment confirmed", state="done", text=text, at=view.join.coverage_at)
    known = view.join.coverage is not None
    return _missing("Payment confirmed", missing, "problem" if known else "todo")


def _attendance(view: CertificateView) -> Step:
    join = view.join
    title = "Workshop attended"
    if join.attended_minutes is None or join.required_minutes is None:
        if view.closed_workshop is not None:
            text = "The workshop is complete; your own result has not been released yet."
            return Step(title=title, state="current", text=text, who="your trainer")
        text = "Your trainer records the time you were there, day by day, and releases it at the end."
        if (ends_at := join.workshop_ends_at) is not None:
            text = f"{text} The last day is {show_date(ends_at, join.time_zone)}."
        return Step(title=title, state="todo", text=text, who="your trainer")
    counted = f"{join.attended_minutes} of {join.required_minutes} minutes"
    if join.attended_minutes < join.required_minutes:
        gap = show_minutes(join.required_minutes - join.attended_minutes)
        text = f"You missed {gap}: {counted}. Ask your trainer how to make it up."
        return Step(
            title=title, state="problem", text=text, at=join.assessed_at, who="you, with your trainer"
        )
    return Step(title=title, state="done", text=f"{counted}.", at=join.assessed_at)


def _decisions(view: CertificateView) -> list[Step]:
    join = view.join
    return [
        _decision("Took an active part", join.participation, join.assessed_at),
        _decision("Showed understanding", join.understanding, join.assessed_at),
    ]


def _decision(title: str, decision: bool | None, at: datetime | None) -> Step:
    if decision is None:
        return Step(
            title=title,
            state="todo",
            who="your trainer",
            text="Your trainer decides this, separately from your attendance.",
        )
    if not decision:
        return Step(title=title, state="problem", text=_DECISION, at=at, who="your trainer")
    return Step(title=title, state="done", text="Your trainer says so.", at=at)


def _submitted(view: CertificateView) -> Step:
    join = view.join
    title = "Name submitted to the Scrum Alliance"
    if join.sent:
        text = f"As {name_of(view)}, {address_of(view)}."
        return Step(title=title, state="done", text=text, at=join.submitted_at)
    if join.activation is Activation.REFUSED:
        refusal = REFUSALS.get(join.refusal or "", "The Scrum Alliance could not take your name.")
        text = f"{refusal} It was {address_of(view)}. Tell us the right one."
        return Step(title=title, state="problem", text=text, who="you, then our staff")
    if obstacles(view):
        text = "This happens by itself as soon as everything above is there."
        if view.join.registry_email:
            text += f" We will submit {name_of(view)}, {address_of(view)}. Is that wrong? Tell us now."
        return Step(title=title, state="todo", text=text)
    if view.stranded is not None:
        text = "An error stopped the submission. Our staff look into it."
        return Step(title=title, state="problem", text=text, who="our staff")
    text = "This happens by itself within a minute. We keep trying if they cannot be reached."
    return Step(title=title, state="current", text=text)


def _activated(view: CertificateView, now: datetime) -> Step:
    join = view.join
    title = "Membership activated"
    if join.activated_at is not None:
        text = "Two years of membership are included in your workshop."
        return Step(title=title, state="done", text=text, at=join.activated_at)
    if join.submitted_at is None:
        text = "The Scrum Alliance sends you an e-mail one to two days after your name was submitted."
        return Step(title=title, state="todo", text=text, who="you, with the Scrum Alliance’s e-mail")
    expected = show_date(join.submitted_at + MAIL_WITHIN, join.time_zone)
    if now <= join.submitted_at + MAIL_WITHIN:
        text = (
            f"Expect an e-mail from the Scrum Alliance by {expected}. Follow its link and accept the licence."
        )
    else:
        text = f"The e-mail should have come by {expected}. See below what to do."
    return Step(title=title, state="current", text=text, who="you, with the Scrum Alliance’s e-mail")


def exam_step(view: CertificateView) -> Step:
    """The exam, its terms and its last free day."""
    join, course = view.join, view.course
    title = "Exam passed"
    if join.exam_passed_on is not None:
        return Step(title=title, state="done", text=f"Passed on {show_date(join.exam_passed_on)}.")
    questions = f"{course.exam_questions} questions" if course and course.exam_questions else "An exam"
    window = course.exam_window_days if course else None
    if join.activated_at is not None and window:
        by = show_date(join.activated_at + timedelta(days=window), join.time_zone)
        text = f"{questions}, online, in your Scrum Alliance account. Take it by {by} ({window} days)."
        return Step(title=title, state="current", text=text, who="you")
    within = f", within {window} days of the activation" if window else ""
    return Step(title=title, state="todo", text=f"{questions}, online{within}.", who="you")


def _certified(view: CertificateView) -> Step:
    certificate, title = view.certificate, "Certified"
    if certificate is not None:
        text = (
            f"Issued on {show_date(certificate.issued_on)}, valid until {show_date(certificate.expires_on)}."
        )
        if view.join.flagged_at is not None:
            return Step(title=title, state="problem", text=f"On hold. {text}")
        return Step(title=title, state="done", text=text)
    if view.join.flagged_at is not None:
        return Step(title=title, state="problem", text="On hold until the matter above is settled.")
    return Step(title=title, state="todo", text="Valid for two years from the date of issue.")


def _missing(title: str, missing: Explanation, state: StepState) -> Step:
    return Step(title=title, state=state, text=f"{missing.meaning} {missing.next_step}", who=missing.who)


def name_of(view: CertificateView) -> str:
    """The name as submitted, else as it will be."""
    source = view.submission or view.join
    return f"{source.given_name or ''} {source.family_name or ''}".strip()


def address_of(view: CertificateView) -> str:
    """The account's address as submitted, else as it will be."""
    source = view.submission or view.join
    return source.registry_email or "your address"
