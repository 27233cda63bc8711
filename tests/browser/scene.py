"""A whole site on which everything has happened once, so that every page can be seen in every state it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from services.certification.queries import certificate_view
from services.enrollment.commands import BlockPlan
from services.enrollment.domain import Workshop
from services.enrollment.domain.workshop import Block
from shared.db.engine import read_connection
from shared.db.kernel_tables import inbox, outbox
from tests.browser.mishaps import LONG_ERROR, failures, odd_letter
from tests.browser.stranding import strand, submit_again
from tests.support import whole_story as story
from tests.support.in_process import WholeSite, make_databases, whole_site

LONG_TITLE = "Certified Scrum Product Owner for Rindfleischetikettierungsüberwachungsaufgaben and everybody"
LONG_PERSON = {
    "given_name": "Maximiliane Alexandrina Wilhelmina",
    "family_name": "Hohenzollern-Sigmaringenschleswigholsteinsonderburgaugustenburg",
}
LONG_PAYER: dict[str, Any] = {
    "payer_name": " ".join(LONG_PERSON.values()),
    "payer_email": "a.really.long.address.of.somebody.with.many.names@subdomain.of.a.subsidiary.example.com",
}


@dataclass(kw_only=True)
class Scene:
    """The site, and where things are on it."""

    site: WholeSite
    orders: dict[str, story.Order] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    workshops: dict[str, UUID] = field(default_factory=dict)
    retries: dict[str, UUID] = field(default_factory=dict)

    def unheard(self, purpose: str) -> str:
        """A genuine link to something that nobody has heard of yet."""
        return self.site.token(purpose, uuid4())

    def certificate_number(self, order: str) -> str:
        """A certificate that was issued."""
        with self.site.services["certification"].transactions.read() as session:
            view = certificate_view(session, self.orders[order].enrollment_ids[0])
        assert view is not None
        assert view.certificate is not None
        return view.certificate.number

    def received(self, service: str, state: str, message_id: str = "") -> str:
        """The page of a message that `service` received and that ended in this state."""
        query = select(inbox.c.consumer, inbox.c.message_id).where(inbox.c.state == state).limit(1)
        if message_id:
            query = query.where(inbox.c.message_id == message_id)
        with read_connection(self.site.services[service].engine) as connection:
            row = connection.execute(query.order_by(inbox.c.received_at.desc())).one()
        return f"/{service}/ops/messages/{row.consumer}/{row.message_id}"

    def published(self, service: str) -> str:
        """The page of a message that `service` published."""
        with read_connection(self.site.services[service].engine) as connection:
            said = connection.scalars(select(outbox.c.id).order_by(outbox.c.seq).limit(1)).one()
        return f"/{service}/ops/published/{said}"


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """A site with bookings in every state, workshops that are over, and messages that failed."""
    with _site(folder / "full") as site:
        shown = Scene(site=site)
        _begun(shown)
        _past(shown)
        _present(shown)
        shown.retries.update(failures(site))
        odd_letter(site)
        site.carry()
        yield shown


@contextmanager
def first_day(folder: Path) -> Iterator[Scene]:
    """A site with accounts, and nothing else."""
    with _site(folder / "empty") as site:
        with site.services["enrollment"].transactions.begin() as tx:
            tx.session.execute(delete(Block))
            tx.session.execute(delete(Workshop))
        yield Scene(site=site)


@contextmanager
def _site(folder: Path) -> Iterator[WholeSite]:
    template, databases = folder / "template", folder / "site"
    template.mkdir(parents=True)
    databases.mkdir()
    make_databases(template)
    with whole_site(template, databases) as site:
        yield site


def _begun(shown: Scene) -> None:
    """A workshop that began before its payer paid, after the hold had ended."""
    site = shown.site
    begun = story.plan(site, title=LONG_TITLE)
    site.pass_time(days=6, hours=23, minutes=50)
    _keep(shown, "begun", begun, story.attendee(**LONG_PERSON))
    session = _open_checkout(site, shown.orders["begun"])
    site.pass_time(minutes=20)
    site.stripe.pull("pay", session=session)
    site.pass_time(minutes=20)
    site.run_timers("enrollment")
    site.deliver()


def _past(shown: Scene) -> None:
    """Workshops that are over: completed with and without an exam, and one that waits to be completed."""
    site = shown.site
    done = shown.workshops["completed"] = story.plan(site, title=LONG_TITLE)
    exam = shown.workshops["exam"] = _plan_csm(site)
    over = shown.workshops["over"] = story.plan(site, title=LONG_TITLE)
    unknown = story.attendee(email="unknown@example.com")
    long = story.attendee(**LONG_PERSON)
    site.registry.behave(behaviour="unknown_email", email=unknown["email"])
    _paid(shown, "done", done, long, story.attendee())
    _paid(shown, "refused", done, unknown)
    _paid(shown, "missed", done, story.attendee())
    flagged = _paid(shown, "flagged", done, story.attendee())
    _paid(shown, "exam", exam, story.attendee())
    _paid(shown, "present", over, story.attendee(**LONG_PERSON), story.attendee())
    story.end_workshop(site, days=12)
    _miss_a_block(shown, done, shown.orders["missed"])
    story.complete(site, done)
    story.complete(site, exam)
    story.activate(site)
    site.stripe.pull("dispute/open", charge=flagged)
    site.deliver()
    # This one is submitted and has not followed the link in the letter yet.
    last = shown.workshops["submitted"] = story.plan(site, title=LONG_TITLE)
    _paid(shown, "submitted", last, story.attendee(**LONG_PERSON))
    _paid(shown, "stranded", last, story.attendee(**LONG_PERSON))
    _paid(shown, "resumed", last, story.attendee(**LONG_PERSON))
    story.end_workshop(site)
    story.complete(site, last)
    for name in ("stranded", "resumed"):
        strand(site, shown.orders[name].enrollment_ids[0])
    submit_again(site, shown.orders["resumed"].enrollment_ids[0], reason=LONG_ERROR)


def _plan_csm(site: WholeSite) -> UUID:
    begin = site.clock.now() + timedelta(days=7)
    days = [begin + timedelta(days=day) for day in range(3)]
    blocks = tuple(
        BlockPlan(starts_at=day, ends_at=day + timedelta(hours=8), break_minutes=60) for day in days
    )
    return story.plan(site, title="Certified ScrumMaster", course_code="CSM", blocks=blocks)


def _miss_a_block(shown: Scene, workshop: UUID, order: story.Order) -> None:
    trainer = shown.site.staff("trainer")
    trainer.open(f"/trainer/workshops/{workshop}")
    fields = trainer.form("step").fields
    first = next(name for name in fields if name.startswith(f"minutes-{order.enrollment_ids[0]}"))
    trainer.submit({first: "0"}, press=("step", "save"), having="step")


def _present(shown: Scene) -> None:
    """Bookings of workshops to come, one in each state that money can bring about."""
    site = shown.site
    coming = shown.workshops["coming"] = story.plan(site, title=LONG_TITLE, capacity=30)
    full = shown.workshops["full"] = story.plan(site, title="Only one seat", capacity=1)
    shown.workshops["nobody"] = story.plan(site, title="Nobody yet")
    shown.workshops["draft"] = story.plan(site, title=LONG_TITLE, publish=False)
    for name, workshop in (("expired", coming), ("returned over", coming), ("unseated", full)):
        shown.orders[name] = story.book(site, workshop)
        shown.sessions[name] = _open_checkout(site, shown.orders[name])
    over = _pay_wrong(shown, "returned over")
    site.stripe.pull("pay", session=shown.sessions["unseated"])
    site.pass_time(minutes=18)
    _keep(shown, "returned late", coming, story.attendee(**LONG_PERSON), story.attendee())
    site.pass_time(minutes=22)
    site.prompt = False
    site.run_timers("enrollment")
    _keep(shown, "taken", full)
    site.prompt = True
    site.tick()
    story.pay(site, shown.orders["taken"])
    _paid(shown, "confirmed", coming, story.attendee(**LONG_PERSON), story.attendee())
    site.stripe.pull("dispute/open", charge=_paid(shown, "disputed", coming, story.attendee()))
    site.stripe.pull("refund", charge=_paid(shown, "refunded", coming, story.attendee()))
    _keep(shown, "returned", coming, story.attendee(**LONG_PERSON), story.attendee())
    _keep(shown, "wrong", coming)
    for name in ("returned", "returned late", "wrong"):
        shown.sessions[name] = _open_checkout(site, shown.orders[name])
    for charge in (over, _pay_wrong(shown, "returned"), _pay_wrong(shown, "returned late")):
        site.stripe.pull("refund", charge=charge)
    _pay_wrong(shown, "wrong")
    for name in ("held", "trouble"):
        _keep(shown, name, coming, story.attendee(**LONG_PERSON), story.attendee())
    shown.sessions["held"] = _open_checkout(site, shown.orders["held"])
    # More time is offered once some has gone by; the time to pay for "returned late" has, but not its hold's.
    site.pass_time(minutes=10)


def _pay_wrong(shown: Scene, name: str) -> str:
    """Pay at the page that is open, but not what was asked; the charge."""
    paid = shown.site.stripe.pull("pay", session=shown.sessions[name], amount_override=1)
    shown.site.deliver()
    return str(paid["charge"]["id"])


def _keep(shown: Scene, name: str, workshop: UUID, *people: dict[str, str]) -> story.Order:
    """A booking whose seats are held; its payer has a long name."""
    attendees = list(people) or [story.attendee()]
    order = story.book(shown.site, workshop, len(attendees), attendees=attendees, **LONG_PAYER)
    shown.orders[name] = order
    return order


def _paid(shown: Scene, name: str, workshop: UUID, *people: dict[str, str]) -> str:
    """A booking that is paid for; its charge."""
    order = _keep(shown, name, workshop, *people)
    shown.sessions[name] = _open_checkout(shown.site, order)
    return story.pay(shown.site, order)


def _open_checkout(site: WholeSite, order: story.Order) -> str:
    return story.go_to_stripe(site, order).url.rsplit("/", 1)[1]
