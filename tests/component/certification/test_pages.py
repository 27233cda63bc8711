"""The attendee's pages: every state says what is there, what is missing, who can help and what comes next."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.certification.gateways.base import MemberRecord
from services.certification.queries import certificate_view
from services.certification.web.headline import headline
from services.certification.web.progress import steps
from tests.component.certification.events import Story
from tests.component.certification.line import Line
from tests.component.certification.site import Site

Play = Callable[[Line, Story], None]


def placed(line: Line, story: Story) -> None:
    line.tell(story.placed())


def paid(line: Line, story: Story) -> None:
    line.tell(story.placed(), story.confirmed(), story.paid())


def expired(line: Line, story: Story) -> None:
    line.tell(story.placed(), story.expired(revision=1))


def missed(line: Line, story: Story) -> None:
    paid(line, story)
    reasons = ("minutes_missing",)
    line.tell(
        story.assessed(eligible=False, minutes=720, participation=True, understanding=True, reasons=reasons)
    )


def not_understood(line: Line, story: Story) -> None:
    paid(line, story)
    line.tell(story.assessed(eligible=False, participation=True, understanding=False))


def disputed(line: Line, story: Story) -> None:
    line.tell(*story.all_good(), story.disputed())
    line.work()


def requested(line: Line, story: Story) -> None:
    line.tell(*story.all_good())


def submitted(line: Line, story: Story) -> None:
    requested(line, story)
    line.work()


def waiting_long(line: Line, story: Story) -> None:
    submitted(line, story)
    line.clock.advance(timedelta(days=4))


def refused(line: Line, story: Story) -> None:
    line.registry.refuse = "unknown_email"
    submitted(line, story)


def activated(line: Line, story: Story) -> None:
    submitted(line, story)
    reference = str(line.join(story.enrollment_id).activation_id)
    line.registry.records[reference] = MemberRecord(reference=reference, activated_at=line.clock.now())
    line.check()


def expired_certificate(line: Line, story: Story) -> None:
    activated(line, story)
    line.clock.advance(timedelta(days=800))


def flagged(line: Line, story: Story) -> None:
    activated(line, story)
    line.tell(story.refunded())


SAYS: dict[Play, tuple[str, ...]] = {
    placed: ("has not been confirmed yet", "the person who booked", "payment link is on the booking page"),
    paid: ("has not released the result", "the trainer", "We will submit Ada Lovelace, ada@home.example"),
    expired: ("no longer kept", "Book a seat in a coming workshop"),
    missed: ("You missed 2\u00a0h", "720 of 840 minutes", "you, with your trainer"),
    not_understood: ("Understanding was not shown yet", "Talk to them"),
    disputed: ("questioned the payment", "this goes on by itself"),
    requested: ("on its way to the Scrum Alliance",),
    submitted: ("by Wed 4\u00a0Mar\u00a02026", "ada@home.example", "spam folder", "R-7KQ2M"),
    waiting_long: ("should have come by Wed 4\u00a0Mar\u00a02026", "spam folder"),
    refused: ("could not use this e-mail address", "Tell us the address of your Scrum Alliance account"),
    activated: ("You are certified", "Thu 2\u00a0Mar\u00a02028", "/verify/"),
    expired_certificate: ("has expired", "does not mean withdrawn"),
    flagged: ("on hold", "payment for this seat was returned"),
}


@pytest.mark.parametrize("play", SAYS, ids=lambda play: play.__name__)
def test_every_state_says_what_is_missing_and_who_can_help(line: Line, site: Site, play: Play) -> None:
    story = Story()
    play(line, story)
    answer = site.visitor.get(site.path(story))
    assert answer.status_code == 200
    for text in SAYS[play]:
        assert text in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("play", SAYS, ids=lambda play: play.__name__)
def test_every_step_has_a_text_and_every_problem_somebody_who_can_act(line: Line, play: Play) -> None:
    story = Story()
    play(line, story)
    with line.transactions.read() as session:
        view = certificate_view(session, story.enrollment_id)
    assert view is not None
    way = steps(view, line.clock.now())
    assert all(step.text and (step.text[0].isupper() or step.text[0].isdigit()) for step in way)
    assert all(step.who for step in way if step.state == "problem" and step.title != "Certified")
    top = headline(view, line.clock.now())
    assert top.who or top.kind == "ok"


def test_the_exam_is_next_with_its_terms_from_data(line: Line, site: Site) -> None:
    story = Story(course_code="CSM")
    activated(line, story)
    text = site.visitor.get(site.path(story)).text
    assert "The exam is next" in text
    assert "50 questions" in text
    assert "by Sun 31\u00a0May\u00a02026 (90 days)" in text


def test_a_course_without_an_exam_never_speaks_of_one(line: Line, site: Site) -> None:
    story = Story()
    paid(line, story)
    text = site.visitor.get(site.path(story)).text.lower()
    assert "exam" not in text.replace("home.example", "")


def test_a_link_that_is_ahead_of_its_news_is_asked_to_wait(line: Line, site: Site) -> None:
    story = Story()
    answer = site.visitor.get(site.path(story))
    assert "One moment" in answer.text
    line.tell(story.paid())
    assert "One moment" in site.visitor.get(site.path(story)).text
    line.tell(story.placed())
    assert "Where is my certificate?" in site.visitor.get(site.path(story)).text


def test_replaced_forged_and_foreign_links_do_not_open(line: Line, site: Site) -> None:
    story = Story()
    line.tell(story.placed(link_version=2))
    assert site.visitor.get(site.path(story, 1)).status_code == 410
    assert site.visitor.get(site.path(story, 2)).status_code == 200
    assert site.visitor.get(f"{site.path(story, 2)}x").status_code == 404
    booking_link = site.token(story.enrollment_id, 2, purpose="booking")
    assert site.visitor.get(f"/certificates/{booking_link}").status_code == 404


def test_hostile_names_stay_text(line: Line, site: Site) -> None:
    story = Story()
    line.tell(
        story.placed(),
        story.confirmed(given_name="<script>alert(1)</script>"),
        story.paid(),
        story.assessed(),
    )
    for path in (site.path(story), f"{site.path(story)}/attendance"):
        text = site.visitor.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_the_certificate_of_attendance_is_ours_and_says_so(line: Line, site: Site) -> None:
    story = Story()
    submitted(line, story)
    text = site.visitor.get(f"{site.path(story)}/attendance").text
    assert "Certificate of attendance" in text
    assert "Ada Lovelace" in text
    assert "14\u00a0h of contact time" in text
    assert "not a document of the Scrum Alliance" in text
    assert f'href="{site.path(story)}"' in text


@pytest.mark.parametrize("play", [placed, paid, missed])
def test_without_the_whole_workshop_there_is_no_certificate_of_attendance(
    line: Line, site: Site, play: Play
) -> None:
    story = Story()
    play(line, story)
    assert site.visitor.get(f"{site.path(story)}/attendance").status_code == 409
    assert "/attendance" not in site.visitor.get(site.path(story)).text


@pytest.mark.parametrize(
    ("play", "standing"), [(activated, "Valid"), (expired_certificate, "Expired"), (flagged, "On hold")]
)
def test_whoever_has_the_number_can_check_it(line: Line, site: Site, play: Play, standing: str) -> None:
    story = Story()
    play(line, story)
    with line.transactions.read() as session:
        view = certificate_view(session, story.enrollment_id)
    assert view is not None
    assert view.certificate is not None
    answer = site.visitor.get(f"/verify/{view.certificate.number.lower().replace('-', ' ')}")
    assert standing in answer.text
    assert "Ada L." in answer.text
    assert "Lovelace" not in answer.text


def test_an_unknown_number_is_not_found(site: Site) -> None:
    assert site.visitor.get("/verify/ABCD-EFGH-JKMN").status_code == 404
