"""Where is my certificate? Each fact: there or missing, who can supply it, what happens next, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.certification.domain.activation import Activation
from services.certification.domain.facts import Coverage, Facts, Seat
from services.certification.domain.judgement import OBSTACLES, Explanation, Obstacle, judge
from services.certification.queries import CertificateView
from shared.web.filters import show_date, show_datetime, show_minutes

StepState = Literal["done", "current", "todo", "problem"]
NoticeKind = Literal["info", "ok", "warn", "bad"]

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


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What matters now, on top of the page."""

    kind: NoticeKind
    title: str
    text: str
    who: str | None = None


def obstacles(view: CertificateView) -> list[tuple[Obstacle, Explanation]]:
    """What stands in the way, with its explanation."""
    return [(obstacle, OBSTACLES[obstacle]) for obstacle in judge(view.join.facts)]


def headline(view: CertificateView, now: datetime) -> Headline:
    """The one sentence to read when there is time for one only."""
    join, certificate = view.join, view.certificate
    missing = obstacles(view)
    if join.flagged_at is not None:
        reason = OBSTACLES[Obstacle(join.flag_reason)] if join.flag_reason else None
        return Headline(
            kind="warn",
            title="Your certification is on hold",
            text=f"{reason.meaning} {reason.next_step}" if reason else "We are looking into it.",
            who=reason.who if reason else "our staff",
        )
    if certificate is not None:
        if certificate.standing(now.date(), flagged=False) == "expired":
            return Headline(
                kind="info",
                title="Your certification has expired",
                text=f"It was valid until {show_date(certificate.expires_on)}. "
                "You can renew it with the Scrum Alliance; expired does not mean withdrawn.",
                who="you, at the Scrum Alliance",
            )
        return Headline(
            kind="ok",
            title="You are certified",
            text=f"Your certification is valid until {show_date(certificate.expires_on)}. "
            "The certificate itself is in your account at the Scrum Alliance.",
        )
    if join.activation is Activation.ACTIVATED:
        return _after_activation(view)
    if join.activation is Activation.SUBMITTED:
        return _mail_expected(view, now)
    if join.activation is Activation.REFUSED:
        refusal = REFUSALS.get(join.refusal or "", "The Scrum Alliance could not take your name.")
        return Headline(
            kind="bad",
            title="We need your right e-mail address",
            text=f"{refusal} Tell us the address of your Scrum Alliance account, "
            "or the one you want to use there. We then submit your name again.",
            who="you, then our staff",
        )
    if missing:
        obstacle, first = missing[0]
        meaning = _shortfall(view) if obstacle is Obstacle.NOT_ELIGIBLE else first.meaning
        return Headline(
            kind="warn" if join.activation is not Activation.WAITING else "info",
            title="Not submitted yet",
            text=f"{meaning} {first.next_step}",
            who=first.who,
        )
    return Headline(
        kind="info",
        title="Your name is on its way to the Scrum Alliance",
        text="Everything is there. Submitting it takes a minute; we keep trying if they cannot be reached.",
        who="nobody has to: it happens by itself",
    )


def steps(view: CertificateView, now: datetime) -> list[Step]:
    """The whole way, in order."""
    found = [_seat(view), _payment(view), _attendance(view), *_decisions(view), _submitted(view)]
    found.append(_activated(view, now))
    if view.course is not None and view.course.exam_required:
        found.append(_exam(view))
    found.append(_certified(view))
    return found


def attended(view: CertificateView) -> bool:
    """Whether a certificate of attendance can be printed: assessed, and all minutes were there."""
    join = view.join
    if join.attended_minutes is None or join.required_minutes is None:
        return False
    return join.seat is Seat.CONFIRMED and join.attended_minutes >= join.required_minutes


def _shortfall(view: CertificateView) -> str:
    """What exactly the course still asks for."""
    join = view.join
    found = []
    if (gap := (join.required_minutes or 0) - (join.attended_minutes or 0)) > 0:
        found.append(f"you missed {show_minutes(gap)}")
    if not join.participation:
        found.append("an active part is missing")
    if not join.understanding:
        found.append("understanding was not shown yet")
    if not found:
        return OBSTACLES[Obstacle.NOT_ELIGIBLE].meaning
    text = ", and ".join(found) + "."
    return text[0].upper() + text[1:]


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
        text = f"As {_name(view)}, {_address(view)}."
        return Step(title=title, state="done", text=text, at=join.submitted_at)
    if join.activation is Activation.REFUSED:
        refusal = REFUSALS.get(join.refusal or "", "The Scrum Alliance could not take your name.")
        text = f"{refusal} It was {_address(view)}. Tell us the right one."
        return Step(title=title, state="problem", text=text, who="you, then our staff")
    if obstacles(view):
        text = "This happens by itself as soon as everything above is there."
        if view.join.registry_email:
            text += f" We will submit {_name(view)}, {_address(view)}. Is that wrong? Tell us now."
        return Step(title=title, state="todo", text=text)
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


def _exam(view: CertificateView) -> Step:
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


def _after_activation(view: CertificateView) -> Headline:
    course = view.course
    if course is not None and course.exam_required:
        exam = _exam(view)
        return Headline(kind="info", title="The exam is next", text=exam.text, who="you")
    return Headline(
        kind="ok",
        title="Your membership is active",
        text="We are recording your certification. This page shows it in a moment.",
        who="nobody has to: it happens by itself",
    )


def _mail_expected(view: CertificateView, now: datetime) -> Headline:
    join = view.join
    assert join.submitted_at is not None
    expected = join.submitted_at + MAIL_WITHIN
    if now <= expected:
        return Headline(
            kind="info",
            title="Look for an e-mail from the Scrum Alliance",
            text=f"We submitted your name on {show_datetime(join.submitted_at, join.time_zone)}. "
            f"Their e-mail to {_address(view)} usually comes within one to two days, "
            f"by {show_date(expected, join.time_zone)}.",
            who="you, by following the link in it and accepting the licence",
        )
    return Headline(
        kind="warn",
        title="Has the Scrum Alliance’s e-mail not come?",
        text=f"We submitted your name on {show_datetime(join.submitted_at, join.time_zone)}; "
        f"it was accepted. Look in the spam folder of {_address(view)}, then see below what to do.",
        who="you",
    )


def _missing(title: str, missing: Explanation, state: StepState) -> Step:
    return Step(title=title, state=state, text=f"{missing.meaning} {missing.next_step}", who=missing.who)


def _name(view: CertificateView) -> str:
    source = view.submission or view.join
    return f"{source.given_name or ''} {source.family_name or ''}".strip()


def _address(view: CertificateView) -> str:
    source = view.submission or view.join
    return source.registry_email or "your address"
