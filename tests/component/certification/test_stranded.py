"""The request of an activation is dead, or discarded: the pages say who acts, and it ends right all the same."""

from collections.abc import Callable

import pytest

from services.certification.domain.submission import Resumption, SubmissionState
from services.certification.queries import certificate_view
from services.certification.web.headline import headline
from services.certification.web.progress import steps
from shared.contracts.certification import CertificateHeld, MembershipActivationRequested
from tests.component.certification.events import Story
from tests.component.certification.site import send
from tests.component.certification.stage import Stage, never_stored, not_taken, taken

Strand = Callable[[Stage, Story], None]


STRANDED: tuple[Strand, ...] = (never_stored, not_taken, taken)
each_way = pytest.mark.parametrize("strand", STRANDED, ids=lambda strand: strand.__name__)
dead_or_discarded = pytest.mark.parametrize("discarded", [False, True], ids=["dead", "discarded"])


@each_way
@dead_or_discarded
def test_the_attendees_page_says_that_staff_looks_into_it(
    stage: Stage, strand: Strand, discarded: bool
) -> None:
    story = Story()
    strand(stage, story)
    if discarded:
        stage.discard()
    text = stage.site.visitor.get(stage.site.path(story)).text
    assert "our staff look into it" in text
    assert "happens by itself" not in text
    assert "keep trying" not in text
    with stage.running.service.transactions.read() as session:
        view = certificate_view(session, story.enrollment_id)
    assert view is not None
    now = stage.running.clock.now()
    assert headline(view, now).who == "our staff"
    assert [step.who for step in steps(view, now) if step.state == "problem"] == ["our staff"]


def test_while_it_is_tried_again_the_page_says_that_it_goes_on_by_itself(stage: Stage) -> None:
    story = Story()
    stage.registry.away = True
    stage.running.tell(*story.all_good())
    stage.until_request("failed")
    assert "keep trying" in stage.site.visitor.get(stage.site.path(story)).text


@each_way
def test_a_dead_request_is_shown_to_staff_with_the_way_to_its_message(stage: Stage, strand: Strand) -> None:
    story = Story()
    strand(stage, story)
    text = stage.ops.get(stage.page_of(story)).text
    assert f"/certification/ops/messages/bus/{stage.request_id()}" in text
    assert "Submit again" not in text


@each_way
def test_a_discarded_request_is_made_once_more_with_a_reason(stage: Stage, strand: Strand) -> None:
    """Whether the name was out or not: it is on the roster once."""
    story = Story()
    strand(stage, story)
    stage.discard()
    stage.registry.mend()
    assert "Submit again" in stage.ops.get(stage.page_of(story)).text
    assert stage.submit_again(story) == 303
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert list(stage.registry.accepted.values()) == [1]
    assert [submission.revision for submission in stage.submissions()] == [1]
    assert stage.requests() == ["discarded", "handled"]
    text = stage.ops.get(stage.page_of(story)).text
    assert "asked for again by Olga Ops" in text
    assert "The registry is mended" in text
    assert "Submit again" not in text


def test_negative_control_under_another_reference_the_name_would_be_out_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story()
    taken(stage, story)
    stage.discard()
    stage.registry.mend()
    monkeypatch.setattr(stage.registry, "look_up", lambda reference: None)
    assert stage.submit_again(story) == 303
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert list(stage.registry.accepted.values()) == [2]


def test_it_is_made_once_more_only_once_and_only_with_a_reason(stage: Stage) -> None:
    story = Story()
    not_taken(stage, story)
    assert stage.ops.get(stage.page_of(story)).status_code == 200
    stage.discard()
    page = stage.page_of(story)
    answer = send(stage.ops, page, f"{page}/resumption", reason="")
    assert answer.status_code == 422
    assert "Say what has been mended since" in answer.text
    asking = stage.ops.get(page).text
    token = asking.split('name="csrf_token" value="')[1].split('"')[0]
    for expected in (303, 422):
        data = {"reason": "pressed twice", "csrf_token": token}
        assert stage.ops.post(f"{page}/resumption", data=data).status_code == expected
    assert stage.said(MembershipActivationRequested.TYPE) == 2
    assert [row[0].reason for row in stage.running.rows(Resumption)] == ["pressed twice"]
    # On its way again: the attendee's page says so, before it has arrived.
    assert "keep trying" in stage.site.visitor.get(stage.site.path(story)).text


def test_it_may_strand_and_be_made_again_as_often_as_it_takes(stage: Stage) -> None:
    story = Story()
    not_taken(stage, story)
    for _ in range(2):
        stage.discard()
        assert stage.submit_again(story) == 303
        stage.until_request("dead")
    stage.discard()
    stage.registry.mend()
    assert stage.submit_again(story) == 303
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert list(stage.registry.accepted.values()) == [1]


@pytest.mark.parametrize("strand", [never_stored, not_taken], ids=lambda strand: strand.__name__)
@dead_or_discarded
@pytest.mark.parametrize("event", ["refunded", "disputed"])
def test_what_falls_away_meanwhile_withholds_it(
    stage: Stage, strand: Strand, discarded: bool, event: str
) -> None:
    story = Story()
    strand(stage, story)
    if discarded:
        stage.discard()
    stage.tell(getattr(story, event)())
    stage.running.run_timer()
    assert stage.join(story).state == "withheld"
    assert not stage.registry.accepted
    assert "Submit again" not in stage.ops.get(stage.page_of(story)).text
    # What was perhaps sent is looked for at the registry.
    assert {submission.state for submission in stage.submissions()} <= {SubmissionState.ABANDONED}


@dead_or_discarded
@pytest.mark.parametrize("event", ["refunded", "disputed"])
def test_what_falls_away_meanwhile_flags_it_if_it_was_sent(stage: Stage, discarded: bool, event: str) -> None:
    story = Story()
    taken(stage, story)
    if discarded:
        stage.discard()
    stage.tell(getattr(story, event)())
    stage.running.run_timer()
    assert stage.join(story).state == "flagged"
    assert stage.said(CertificateHeld.TYPE) == 1


def test_what_fell_away_before_the_request_died_is_seen_as_well(stage: Stage) -> None:
    story = Story()
    stage.registry.away = True
    stage.running.tell(*story.all_good())
    stage.until_request("failed")
    stage.registry.odd_look_ups = True
    stage.tell(story.refunded())
    stage.until_request("dead")
    stage.registry.mend()
    stage.running.run_timer()
    assert stage.join(story).state == "withheld"


def test_a_request_that_is_tried_again_is_left_to_its_task(stage: Stage) -> None:
    story = Story()
    stage.registry.away = True
    stage.running.tell(*story.all_good())
    stage.until_request("failed")
    stage.tell(story.refunded())
    stage.running.run_timer()
    assert stage.join(story).state == "sending"


@dead_or_discarded
def test_what_comes_back_goes_on_by_itself(stage: Stage, discarded: bool) -> None:
    story = Story()
    not_taken(stage, story)
    if discarded:
        stage.discard()
    stage.tell(story.disputed())
    stage.running.run_timer()
    stage.registry.mend()
    stage.tell(story.dispute_won())
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert list(stage.registry.accepted.values()) == [1]


def test_retrying_the_dead_message_after_it_was_withheld_sends_nothing(stage: Stage) -> None:
    story = Story()
    not_taken(stage, story)
    stage.tell(story.refunded())
    stage.running.run_timer()
    stage.registry.mend()
    page = f"/certification/ops/messages/bus/{stage.request_id()}"
    assert send(stage.ops, page, f"{page}/retry").status_code == 303
    stage.until_request("handled")
    assert stage.join(story).state == "withheld"
    assert not stage.registry.accepted


def test_an_outage_that_ends_unforeseen_is_no_second_submission(stage: Stage) -> None:
    """The answer was lost after the name was taken, then came an answer nobody foresaw."""
    story = Story()
    stage.registry.lose_answers = 1
    stage.running.tell(*story.all_good())
    stage.until_request("failed")
    stage.registry.odd_look_ups = True
    stage.until_request("dead")
    stage.discard()
    stage.registry.mend()
    assert stage.submit_again(story) == 303
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert list(stage.registry.accepted.values()) == [1]
