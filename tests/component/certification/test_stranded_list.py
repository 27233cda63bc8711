"""An activation that stopped at an error is in the list where staff looks, until it goes on."""

from collections.abc import Iterable

import pytest
from sqlalchemy import update

from shared.contracts.certification import MembershipActivationRequested
from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from tests.component.certification.events import Story
from tests.component.certification.site import send
from tests.component.certification.stage import Stage, never_stored, not_taken, taken

LIST = "/certificates/activations"
API = "/certification/api"
dead_or_discarded = pytest.mark.parametrize("discarded", [False, True], ids=["dead", "discarded"])


def listed(stage: Stage, state: str) -> set[str]:
    """Enrollments that the page and the API show under this state: always the same."""
    text = stage.ops.get(f"{LIST}?state={state}").text
    answer = stage.ops.get(f"{API}/activations?state={state}").json
    assert answer is not None
    found = {item["enrollment_id"] for item in answer["items"]}
    assert answer["total"] == len(found)
    assert text.count(f'href="{LIST}/') == len(found)
    assert all(f"{LIST}/{enrollment_id}" in text for enrollment_id in found)
    return found


def states_in_api(stage: Stage, story: Story) -> set[str]:
    """Its state in one word, as both endpoints tell it."""
    whole = stage.ops.get(f"{API}/certificates/{story.enrollment_id}").json
    items = stage.ops.get(f"{API}/activations?q={story.enrollment_id}").json
    assert whole is not None
    assert items is not None
    return {whole["state"], *(item["state"] for item in items["items"])}


def ids(*stories: Story) -> set[str]:
    return {str(story.enrollment_id) for story in stories}


def needing_somebody(stage: Stage) -> str:
    """What the list says on top."""
    text = stage.ops.get(LIST).text
    return next((line for line in text.split("\n") if "somebody" in line), "")


def set_requests(stage: Stage, states: Iterable[str]) -> None:
    """What became of the requests that arrived, in order: as a group's discard leaves them."""
    rows = stage.running.rows(inbox.c.type, inbox.c.message_id)
    arrived = sorted(row.message_id for row in rows if row.type == MembershipActivationRequested.TYPE)
    with write_connection(stage.running.service.engine) as connection:
        for message_id, state in zip(arrived, states, strict=True):
            of_message = inbox.c.message_id == message_id
            connection.execute(update(inbox).where(of_message).values(state=state, next_attempt_at=None))


@pytest.mark.parametrize("strand", [never_stored, not_taken, taken], ids=lambda strand: strand.__name__)
@dead_or_discarded
def test_it_needs_attention_and_says_so_in_its_row(stage: Stage, strand: object, discarded: bool) -> None:
    story = Story()
    assert callable(strand)
    strand(stage, story)
    if discarded:
        stage.discard()
    assert listed(stage, "attention") == listed(stage, "stranded") == listed(stage, "started") == ids(story)
    assert listed(stage, "requested") == listed(stage, "sending") == listed(stage, "flagged") == set()
    assert "1 name needs somebody" in needing_somebody(stage)
    for query in ("state=attention", "state=started", "q=lovelace"):
        rows = stage.ops.get(f"{LIST}?{query}").text.split("<tbody>")[1]
        assert "Stopped by an error" in rows
        assert "Nothing goes on by itself" in rows
        assert "Being submitted" not in rows
        assert "Sent, answer open" not in rows
    assert "Stopped by an error" in stage.ops.get(stage.page_of(story)).text
    assert states_in_api(stage, story) == {"stranded"}


def test_negative_control_one_that_is_in_hand_needs_nobody(stage: Stage) -> None:
    """Just asked for, then tried again and again while the registry is away."""
    story = Story()
    stage.running.tell(*story.all_good())
    stage.registry.away = True
    stage.running.until(lambda join: join is not None and join.state == "requested", story)
    assert stage.requests() == []
    assert listed(stage, "requested") == ids(story)
    assert listed(stage, "attention") == listed(stage, "stranded") == set()
    stage.until_request("failed")
    assert listed(stage, "sending") == ids(story)
    assert listed(stage, "attention") == listed(stage, "stranded") == set()
    assert needing_somebody(stage) == ""
    rows = stage.ops.get(LIST).text.split("<tbody>")[1]
    assert "Sent, answer open" in rows
    assert "Stopped by an error" not in rows
    assert states_in_api(stage, story) == {"sending"}


def test_submitted_again_it_leaves_the_list_at_once_and_after_the_acceptance(stage: Stage) -> None:
    story = Story()
    not_taken(stage, story)
    stage.discard()
    stage.registry.mend()
    assert stage.submit_again(story) == 303
    # Not even on its way yet.
    assert stage.requests() == ["discarded"]
    assert listed(stage, "attention") == listed(stage, "stranded") == set()
    assert listed(stage, "sending") == ids(story)
    assert needing_somebody(stage) == ""
    stage.running.until(lambda join: join is not None and join.state == "submitted", story)
    assert listed(stage, "attention") == set()
    assert listed(stage, "submitted") == ids(story)
    assert states_in_api(stage, story) == {"submitted"}


def test_a_retry_of_the_dead_message_takes_it_off_the_list(stage: Stage) -> None:
    story = Story()
    not_taken(stage, story)
    stage.registry.mend()
    page = f"/certification/ops/messages/bus/{stage.request_id()}"
    assert send(stage.ops, page, f"{page}/retry").status_code == 303
    assert listed(stage, "attention") == set()


@dead_or_discarded
def test_withheld_it_is_somebody_elses_matter(stage: Stage, discarded: bool) -> None:
    story = Story()
    not_taken(stage, story)
    if discarded:
        stage.discard()
    stage.tell(story.refunded())
    stage.running.run_timer()
    assert listed(stage, "attention") == set()
    assert listed(stage, "withheld") == ids(story)


def test_of_many_those_that_were_given_up_are_listed_beside_the_refused(stage: Stage) -> None:
    """A group was discarded; meanwhile another one is tried again, and one was refused."""
    stories = [Story() for _ in range(4)]
    stage.registry.away = True
    for story in stories:
        stage.running.tell(*story.all_good())
        stage.running.until(lambda join: join is not None and join.state == "sending", story)
    set_requests(stage, ["discarded", "dead", "discarded", "failed"])
    refused = Story()
    stage.registry.away, stage.registry.refuse = False, "unknown_email"
    stage.running.tell(*refused.all_good())
    stage.running.until(lambda join: join is not None and join.state == "refused", refused)
    assert listed(stage, "stranded") == ids(*stories[:3])
    assert listed(stage, "attention") == ids(*stories[:3], refused)
    assert listed(stage, "sending") == ids(stories[3])
    assert "4 names need somebody" in needing_somebody(stage)
