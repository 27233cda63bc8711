"""The one sentence on top of the certificate page: what matters now, and who can act."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.certification.domain.activation import Activation
from services.certification.domain.judgement import OBSTACLES, Obstacle
from services.certification.queries import CertificateView
from services.certification.web.progress import MAIL_WITHIN, REFUSALS, address_of, exam_step, obstacles
from shared.web.filters import show_date, show_datetime, show_minutes

RESULTS_WITHIN = timedelta(days=3)
"""How long we ask attendees to wait before they ask their trainer."""

NoticeKind = Literal["info", "ok", "warn", "bad"]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What matters now, on top of the page."""

    kind: NoticeKind
    title: str
    text: str
    who: str | None = None


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
        if obstacle is Obstacle.ASSESSMENT_MISSING and join.workshop_ends_at is not None:
            return _before_the_results(view, join.workshop_ends_at, now)
        meaning = _shortfall(view) if obstacle is Obstacle.NOT_ELIGIBLE else first.meaning
        return Headline(
            kind="warn" if join.activation is not Activation.WAITING else "info",
            title="Not submitted yet",
            text=f"{meaning} {first.next_step}",
            who=first.who,
        )
    if view.stranded is not None:
        return Headline(
            kind="warn",
            title="Submitting your name did not work yet",
            text="Everything is there, and you need not do anything. An error stopped the submission; "
            "our staff look into it.",
            who="our staff",
        )
    return Headline(
        kind="info",
        title="Your name is on its way to the Scrum Alliance",
        text="Everything is there. Submitting it takes a minute; we keep trying if they cannot be reached.",
        who="nobody has to: it happens by itself",
    )


def _before_the_results(view: CertificateView, ends_at: datetime, now: datetime) -> Headline:
    """Everything else is there: until when to wait for the trainer, and what to do after that."""
    last_day = show_date(ends_at, view.join.time_zone)
    if now < ends_at:
        return Headline(
            kind="info",
            title="The workshop comes first",
            text=f"It ends on {show_datetime(ends_at, view.join.time_zone)}. Your trainer releases the results on "
            "that day or shortly after; your name then goes to the Scrum Alliance within minutes.",
            who="nobody has to before that",
        )
    return Headline(
        kind="info" if now < ends_at + RESULTS_WITHIN else "warn",
        title="Waiting for your trainer",
        text=f"The workshop ended on {last_day}. Trainers release the results on the last day or within three "
        f"days, by {show_date(ends_at + RESULTS_WITHIN, view.join.time_zone)}. Your name then goes to the "
        "Scrum Alliance within minutes.",
        who="the trainer",
    )


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


def _after_activation(view: CertificateView) -> Headline:
    course = view.course
    if course is not None and course.exam_required:
        exam = exam_step(view)
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
            f"Their e-mail to {address_of(view)} usually comes within one to two days, "
            f"by {show_date(expected, join.time_zone)}.",
            who="you, by following the link in it and accepting the licence",
        )
    return Headline(
        kind="warn",
        title="Has the Scrum Alliance’s e-mail not come?",
        text=f"We submitted your name on {show_datetime(join.submitted_at, join.time_zone)}; "
        f"it was accepted. Look in the spam folder of {address_of(view)}, then see below what to do.",
        who="you",
    )
