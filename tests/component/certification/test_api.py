"""The API: one certificate for its attendee or staff, activations for ops and admin."""

from uuid import uuid4

import pytest

from tests.component.certification.events import Story
from tests.component.certification.line import Line
from tests.component.certification.site import Site

API = "/certification/api"


@pytest.fixture
def story(line: Line) -> Story:
    """Somebody who missed two hours."""
    story = Story()
    line.tell(
        story.placed(), story.confirmed(), story.paid(),
        story.assessed(eligible=False, minutes=720, reasons=("minutes_missing",)),
    )  # fmt: skip
    return story


def test_the_attendee_reads_theirs_with_the_links_token(story: Story, site: Site) -> None:
    token = site.token(story.enrollment_id)
    path = f"{API}/certificates/{story.enrollment_id}"
    by_query = site.visitor.get(path, query_string={"token": token})
    by_header = site.visitor.get(path, headers={"X-Link-Token": token})
    assert by_query.status_code == by_header.status_code == 200
    assert by_query.json == by_header.json
    body = by_query.json
    assert body is not None
    assert body["state"] == "waiting"
    assert (body["seat"], body["coverage"]) == ("confirmed", "covered")
    assert body["assessment"]["attended_minutes"] == 720
    assert body["assessment"]["reasons"] == ["minutes_missing"]
    assert [missing["code"] for missing in body["missing"]] == ["not_eligible"]
    assert body["missing"][0]["who"] == "the trainer"
    assert body["certificate"] is None
    assert body["exam_required"] is False


def test_staff_reads_it_too_and_nobody_else(story: Story, site: Site) -> None:
    path = f"{API}/certificates/{story.enrollment_id}"
    assert site.staff("trainer").get(path).status_code == 200
    assert site.staff("visitor").get(path).status_code == 403
    stranger = site.visitor.get(path)
    assert stranger.status_code == 401
    assert stranger.mimetype == "application/problem+json"


def test_anothers_token_does_not_open_it(line: Line, story: Story, site: Site) -> None:
    other = Story()
    line.tell(other.placed())
    answer = site.visitor.get(
        f"{API}/certificates/{story.enrollment_id}", query_string={"token": site.token(other.enrollment_id)}
    )
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_a_replaced_token_is_gone(line: Line, site: Site) -> None:
    story = Story()
    line.tell(story.placed(link_version=2))
    path = f"{API}/certificates/{story.enrollment_id}"
    token = site.token(story.enrollment_id, 1)
    assert site.visitor.get(path, query_string={"token": token}).status_code == 410


def test_unknown_enrollments_are_not_found(site: Site) -> None:
    assert site.staff("ops").get(f"{API}/certificates/{uuid4()}").status_code == 404


def test_activations_are_listed_without_personal_data(line: Line, site: Site) -> None:
    story = Story()
    line.tell(*story.all_good())
    line.work()
    answer = site.staff("ops").get(f"{API}/activations", query_string={"state": "submitted"})
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["total"], answer.json["pages"]) == (1, 1)
    (item,) = answer.json["items"]
    assert item["enrollment_id"] == str(story.enrollment_id)
    assert item["state"] == "submitted"
    assert item["submitted_at"].startswith("2026-03-02T09:00:00")
    assert "ada" not in answer.text.lower()


def test_activations_are_for_ops_and_admin(site: Site) -> None:
    assert site.visitor.get(f"{API}/activations").status_code == 401
    assert site.staff("trainer").get(f"{API}/activations").status_code == 403


@pytest.mark.parametrize("query", [{"state": "nonsense"}, {"page": "0"}, {"q": "x" * 201}])
def test_wrong_questions_name_the_field(site: Site, query: dict[str, str]) -> None:
    answer = site.staff("ops").get(f"{API}/activations", query_string=query)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert [problem["field"] for problem in answer.json["errors"]] == list(query)
