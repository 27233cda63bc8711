"""What ops and admin see and do about activations."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.certification.gateways.base import MemberRecord
from shared.contracts.certification import MembershipActivationRequested
from shared.db.kernel_tables import outbox
from tests.component.certification.events import Story
from tests.component.certification.line import Line
from tests.component.certification.site import Site, send

LIST = "/certificates/activations"


def page_of(story: Story) -> str:
    return f"{LIST}/{story.enrollment_id}"


@pytest.fixture
def refused(line: Line) -> Story:
    """A name the registry does not know the address of."""
    story = Story()
    line.registry.refuse = "unknown_email"
    line.tell(*story.all_good())
    line.work()
    line.registry.refuse = None
    return story


def test_only_ops_and_admin_come_in(refused: Story, site: Site) -> None:
    for path in (LIST, page_of(refused)):
        assert site.visitor.get(path).status_code in (302, 303, 401)
        assert site.staff("trainer", "finance").get(path).status_code == 403
        assert site.staff("ops").get(path).status_code == 200
        assert site.staff("admin").get(path).status_code == 200


def test_the_list_shows_what_has_begun_and_calls_for_help_first(
    line: Line, refused: Story, site: Site
) -> None:
    waiting = Story()
    line.tell(waiting.placed())
    text = site.staff("ops").get(LIST).text
    assert "1 name needs somebody" in text
    assert str(refused.enrollment_id) in text
    assert str(waiting.enrollment_id) not in text
    assert str(waiting.enrollment_id) in site.staff("ops").get(f"{LIST}?state=waiting").text


@pytest.mark.parametrize("search", ["LOVELACE", "ada@home", "r-7kq2m", "{id}"])
def test_search_finds_names_addresses_references_and_ids(refused: Story, site: Site, search: str) -> None:
    wanted = search.replace("{id}", str(refused.enrollment_id))
    answer = site.staff("ops").get(LIST, query_string={"q": wanted})
    assert page_of(refused) in answer.text


@pytest.mark.parametrize(
    "search", ["%", "_da", "nobody", "0193a5d2-7c00-7000-8000-000000000000", "'; DROP TABLE"]
)
def test_search_takes_everything_as_text(refused: Story, site: Site, search: str) -> None:
    answer = site.staff("ops").get(LIST, query_string={"q": search})
    assert answer.status_code == 200
    assert page_of(refused) not in answer.text


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("refunded", "The payment for this seat was returned."),
        ("disputed", "bank has questioned the payment"),
        ("expired", "The seat is no longer kept"),
        ("corrected", "The requirements of the course are not all met."),
    ],
)
def test_a_row_on_hold_says_what_fell_away(line: Line, site: Site, event: str, why: str) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    fell = story.assessed(2, eligible=False) if event == "corrected" else getattr(story, event)()
    line.tell(fell)
    rows = site.staff("ops").get(f"{LIST}?state=flagged").text.split("<tbody>")[1]
    assert "On hold after submission" in rows
    assert why in rows


def test_many_activations_come_in_pages(line: Line, site: Site) -> None:
    for _ in range(30):
        line.tell(*Story().all_good())
    client = site.staff("ops")
    first, second = client.get(LIST).text, client.get(f"{LIST}?page=2").text
    assert "1 to 25 of 30" in first
    assert "26 to 30 of 30" in second


def test_a_refused_name_is_sent_again_with_the_right_address(line: Line, refused: Story, site: Site) -> None:
    page = page_of(refused)
    answer = send(
        site.staff("ops"), page, f"{page}/resubmission",
        registry_email="right@home.example", reason="She wrote to us",
    )  # fmt: skip
    assert answer.status_code == 303
    line.pending += [(str(uuid4()), request) for request in _requests(site)]
    line.work()
    assert [s.registry_email for s in line.submissions()] == ["ada@home.example", "right@home.example"]
    text = site.staff("ops").get(page).text
    assert "Corrected by Olga Ops: She wrote to us" in text
    assert line.join(refused.enrollment_id).state == "submitted"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"registry_email": "not an address", "reason": "She rang"}, "Enter an e-mail address, like"),
        (
            {"registry_email": "", "reason": "She rang"},
            "Enter the e-mail address of the Scrum Alliance account",
        ),
        ({"registry_email": "right@home.example", "reason": ""}, "Say how you know the right address"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    line: Line, refused: Story, site: Site, fields: dict[str, str], said: str
) -> None:
    page = page_of(refused)
    answer = send(site.staff("ops"), page, f"{page}/resubmission", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert "There is a problem" in answer.text
    assert "<title>Error: " in answer.text
    assert all(value in answer.text for value in fields.values())
    assert line.join(refused.enrollment_id).submission_revision == 1


def test_without_the_form_token_nothing_happens(line: Line, refused: Story, site: Site) -> None:
    answer = site.staff("ops").post(
        f"{page_of(refused)}/resubmission", data={"registry_email": "a@b.example", "reason": "no token"}
    )
    assert answer.status_code == 403
    assert line.join(refused.enrollment_id).submission_revision == 1


def test_a_name_under_a_hold_is_not_offered_for_sending(line: Line, refused: Story, site: Site) -> None:
    line.tell(refused.refunded())
    text = site.staff("ops").get(page_of(refused)).text
    assert "Submit again" not in text
    assert "The payment for this seat was returned" in text


def test_the_exam_is_recorded_by_hand(line: Line, site: Site) -> None:
    story = Story(course_code="CSM")
    line.tell(*story.all_good())
    line.work()
    reference = str(line.join(story.enrollment_id).activation_id)
    line.registry.records[reference] = MemberRecord(reference=reference, activated_at=line.clock.now())
    line.check()
    page = page_of(story)
    assert send(site.staff("ops"), page, f"{page}/exam", passed_on="31.02.2026").status_code == 422
    assert send(site.staff("ops"), page, f"{page}/exam", passed_on="2999-01-01").status_code == 422
    assert send(site.staff("ops"), page, f"{page}/exam", passed_on="2026-03-02").status_code == 303
    assert line.join(story.enrollment_id).certificate_id is not None


def test_an_unknown_enrollment_is_not_found(site: Site) -> None:
    assert site.staff("ops").get(f"{LIST}/{uuid4()}").status_code == 404


def _requests(site: Site) -> list[Any]:
    """What the site's own transactions asked for, as the relay would carry it."""
    with site.service.transactions.read() as session:
        rows = session.execute(
            select(outbox.c.payload).where(outbox.c.type == MembershipActivationRequested.TYPE)
        )
        return [site.service.codec.decode(payload.encode()).event for (payload,) in rows][-1:]
