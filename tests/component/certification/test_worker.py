"""Certification's whole worker, step by step: relay, inbox, task and timer, and the registry's sandbox over HTTP.

The sandbox does not deduplicate, and loses an answer after accepting: one accepted submission all the same.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.sandbox.scrum_alliance.sandbox import Sandbox
from services.certification.domain.submission import Submission
from shared.db.kernel_tables import inbox, outbox
from tests.component.certification.events import Story
from tests.component.certification.running import Running


@pytest.fixture
def running(tmp_path: Path, sandbox: tuple[Sandbox, str]) -> Iterator[Running]:
    """The service, not started: the test makes each step."""
    running = Running(tmp_path, sandbox[1])
    yield running
    running.close()


def test_one_submission_though_the_answer_was_lost_and_nobody_deduplicates(
    running: Running, sandbox: tuple[Sandbox, str]
) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "no_deduplication"})
    there.behaviours.apply({"behaviour": "timeout_after_accepting", "times": 1})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    assert len(there.roster.find(str(join.activation_id))) == 1
    (asked,) = [
        row
        for row in running.rows(inbox.c.type, inbox.c.attempts, inbox.c.state)
        if row.type == "membership.activation_requested.v1"
    ]
    assert (asked.attempts, asked.state) == (2, "handled")


def test_from_the_facts_to_the_certificate(running: Running, sandbox: tuple[Sandbox, str]) -> None:
    there, _ = sandbox
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    (member,) = there.roster.find(str(join.activation_id))
    there.roster.activate(member, running.service.clock.now())
    running.run_timer()
    join = running.until(lambda join: join is not None and join.state == "activated", story)
    assert join.certificate_id is not None
    types = [row.type for row in running.rows(outbox.c.type)]
    assert types.count("membership.activation_requested.v1") == 1
    assert types[-2:] == ["membership.activated.v1", "certificate.issued.v1"]


def test_a_refused_name_is_handled_and_not_dead(running: Running, sandbox: tuple[Sandbox, str]) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "unknown_email"})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "refused", story)
    assert join.refusal == "unknown_email"
    assert {row.state for row in running.rows(inbox.c.state)} <= {"handled", "received"}


def test_while_the_registry_is_away_the_request_is_kept_and_sent_once_afterwards(
    running: Running, sandbox: tuple[Sandbox, str]
) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "server_error", "times": 3, "on": "any"})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    assert len(there.roster.find(str(join.activation_id))) == 1
    with running.service.transactions.read() as session:
        assert len(list(session.scalars(select(Submission)))) == 1


def test_nothing_personal_stays_in_handled_messages(running: Running) -> None:
    story = Story()
    running.tell(*story.all_good())
    running.until(lambda join: join is not None and join.state == "submitted", story)
    kept = [row.payload for row in running.rows(inbox.c.payload, inbox.c.state) if row.state == "handled"]
    assert kept
    assert not [payload for payload in kept if "Lovelace" in payload or "home.example" in payload]
