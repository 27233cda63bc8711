"""Certification with its whole worker, stepped by hand, a registry that gives odd answers, and its pages."""

from pathlib import Path

from sqlalchemy import update

from services.certification.domain.join import Join
from services.certification.domain.submission import Submission
from services.certification.gateways.base import MemberRecord, MembershipRequest
from shared.contracts.certification import MembershipActivationRequested
from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox, outbox
from shared.errors import Permanent
from shared.messaging.event import Event
from tests.component.certification.events import Story
from tests.component.certification.line import MemoryRegistry
from tests.component.certification.running import Running
from tests.component.certification.site import Site, send


class OddRegistry(MemoryRegistry):
    """Gives answers the adapter does not know, before or after it took the name."""

    def __init__(self) -> None:
        super().__init__()
        self.odd_before_taking = self.odd_after_taking = self.odd_look_ups = False

    def look_up(self, reference: str) -> MemberRecord | None:
        if self.odd_look_ups:
            raise Permanent("the registry answered 418")
        return super().look_up(reference)

    def submit(self, request: MembershipRequest) -> MemberRecord:
        if self.odd_before_taking:
            raise Permanent("the registry answered 302")
        record = super().submit(request)
        if self.odd_after_taking:
            raise Permanent("the registry answered 418")
        return record

    def mend(self) -> None:
        """It answers as agreed again."""
        self.odd_before_taking = self.odd_after_taking = self.odd_look_ups = self.away = False


class Stage:
    """Certification with its whole worker, stepped by hand, and its pages."""

    def __init__(self, folder: Path) -> None:
        self.registry = OddRegistry()
        self.running = Running(
            folder, "http://127.0.0.1:9", registry=self.registry, LOST_ANSWER_WAIT_SECONDS="0.3"
        )
        self.site = Site(self.running)
        self.ops = self.site.staff("ops")

    def until_request(self, state: str) -> None:
        """Work until the newest request is in this state."""
        for _ in range(200):
            if self.requests()[-1:] == [state]:
                return
            self.running.step()
        raise AssertionError(f"the request was never {state}, but {self.requests()}")

    def requests(self) -> list[str]:
        """States of the requests that arrived, in order."""
        rows = self.running.rows(inbox.c.type, inbox.c.state, inbox.c.message_id)
        found = [row for row in rows if row.type == MembershipActivationRequested.TYPE]
        return [row.state for row in sorted(found, key=lambda row: row.message_id)]

    def request_id(self) -> str:
        """The newest request."""
        rows = self.running.rows(outbox.c.type, outbox.c.id)
        return max(str(row.id) for row in rows if row.type == MembershipActivationRequested.TYPE)

    def discard(self) -> None:
        """Give the newest request up, on the page of operations."""
        page = f"/certification/ops/messages/bus/{self.request_id()}"
        assert send(self.ops, page, f"{page}/discard", reason="nobody knows why").status_code == 303
        # Whoever does this by hand comes long after the 30 s for which the dead request held the name.
        with write_connection(self.running.service.engine) as connection:
            connection.execute(update(Submission).values(held_until=None))

    def submit_again(self, story: Story, reason: str = "The registry is mended") -> int:
        """Press the button; gives the answer's status."""
        page = self.page_of(story)
        return send(self.ops, page, f"{page}/resumption", reason=reason).status_code

    def page_of(self, story: Story) -> str:
        """The page for staff."""
        return f"/certificates/activations/{story.enrollment_id}"

    def join(self, story: Story) -> Join:
        """Its row, as committed."""
        with self.running.service.transactions.read() as session:
            join = session.get(Join, story.enrollment_id)
        assert join is not None
        return join

    def submissions(self) -> list[Submission]:
        """Every submission, as committed."""
        return [row[0] for row in self.running.rows(Submission)]

    def said(self, kind: str) -> int:
        """How many messages of one type were said."""
        return sum(row.type == kind for row in self.running.rows(outbox.c.type))

    def tell(self, *events: Event) -> None:
        """Say it, and work until nothing is left to do at once."""
        self.running.tell(*events)
        while self.running.step():
            pass

    def close(self) -> None:
        """Let go of everything."""
        self.site.close()
        self.running.close()


def never_stored(stage: Stage, story: Story) -> None:
    """Dead before the task could store anything, as after three kills."""
    stage.running.tell(*story.all_good())
    for _ in range(3):
        stage.running.worker.relay.step()
        stage.running.worker.desk.step()
    with write_connection(stage.running.service.engine) as connection:
        of_type = inbox.c.type == MembershipActivationRequested.TYPE
        connection.execute(update(inbox).where(of_type).values(state="dead", next_attempt_at=None))
    assert stage.requests() == ["dead"]


def not_taken(stage: Stage, story: Story) -> None:
    """An answer nobody foresaw, and the name is not out."""
    stage.registry.odd_before_taking = True
    stage.running.tell(*story.all_good())
    stage.until_request("dead")


def taken(stage: Stage, story: Story) -> None:
    """An answer nobody foresaw, but the name is out."""
    stage.registry.odd_after_taking = True
    stage.running.tell(*story.all_good())
    stage.until_request("dead")
