"""One site with something of everything on it, and the eight kinds of people who come by."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from services.certification.domain.certificate import Certificate
from services.certification.queries import certificate_view
from services.enrollment import handlers
from services.enrollment.commands import AddStaff
from services.enrollment.queries import account_by_email
from services.payment.domain import Payment
from services.payment.queries import PaymentFilter, list_payments
from shared.auth.guards import Authenticator
from shared.auth.principal import Principal
from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import outbox
from shared.messaging.inbox import Failure, new_row, store_dead
from tests.component.authorization.table import (
    ADMIN,
    FINANCE,
    ITS_TRAINER_HERSELF,
    LINK_HOLDER,
    OPS,
    OTHER_LINK_HOLDER,
    OTHER_TRAINER,
    STAFF,
)
from tests.support import whole_story as story
from tests.support.in_process import WholeSite

ROLES = {
    ITS_TRAINER_HERSELF: "trainer",
    OTHER_TRAINER: "trainer",
    FINANCE: "finance",
    OPS: "ops",
    ADMIN: "admin",
}
DEAD = "dead-1"


class World:
    """The site, its things and its people."""

    def __init__(self, site: WholeSite, stack: ExitStack) -> None:
        self.site = site
        self.apps: dict[str, Flask] = dict(site.apps)
        self.staff_ids = self._hire()
        self._sell()
        self._bury()
        site.carry()
        self.values = self._values()
        self.tokens = {
            LINK_HOLDER: _tokens(site, self.order),
            OTHER_LINK_HOLDER: _tokens(site, self.other),
        }
        self._watches = {
            name: sqlite3.connect(str(service.engine.url.database), check_same_thread=False)
            for name, service in site.services.items()
        }
        for watch in self._watches.values():
            stack.callback(watch.close)

    # What is there ----------------------------------------------------------------------------------

    def _hire(self) -> dict[str, UUID]:
        enrollment = self.site.services["enrollment"]
        command = AddStaff(
            email="other@example.com",
            name="Otto Other",
            roles=("trainer",),
            teaches=("CSPO",),
            password_hash="nobody signs in with it",
        )
        with enrollment.transactions.begin() as tx:
            ids = {OTHER_TRAINER: handlers.add_staff(command, tx).staff_id}
        with enrollment.transactions.read() as session:
            for who in STAFF - {OTHER_TRAINER}:
                account = account_by_email(session, f"{ROLES[who]}@example.com")
                assert account is not None
                ids[who] = account.staff_id
        return ids

    def _sell(self) -> None:
        """Two bookings from the checkout to the end or near it, a refused name, workshops in each state."""
        site = self.site
        mine, theirs = self.staff_ids[ITS_TRAINER_HERSELF], self.staff_ids[OTHER_TRAINER]
        self.workshops = {
            "done": story.plan(site, trainer_id=mine),
            "over": story.plan(site, trainer_id=mine),
            "theirs": story.plan(site, trainer_id=theirs),
        }
        hers = {"given_name": "Zdenka", "family_name": "Markova", "email": "zdenka@example.com"}
        his = {"given_name": "Olaf", "family_name": "Andersen", "email": "olaf@example.com"}
        unknown = story.attendee(email="unknown@example.com")
        self.order = story.book(site, self.workshops["done"], attendees=[hers], payer_name="Zdenka Pays")
        self.other = story.book(site, self.workshops["theirs"], attendees=[his], payer_name="Olaf Pays")
        self.refused = story.book(site, self.workshops["done"], attendees=[unknown])
        site.registry.behave(behaviour="unknown_email", email=unknown["email"])
        for order in (self.order, self.other, self.refused, story.book(site, self.workshops["over"])):
            story.pay(site, order)
        story.end_workshop(site)
        story.complete(site, self.workshops["done"])
        story.activate(site)
        self.workshops |= {
            "offered": story.plan(site, trainer_id=mine),
            "unwanted": story.plan(site, trainer_id=mine),
            "draft": story.plan(site, publish=False, trainer_id=mine),
        }

    def _bury(self) -> None:
        payload = json.dumps({"data": {"person": {"payer_name": "Zdenka Pays"}}})
        failure = Failure(kind="failed", error="ValueError: no such workshop", fingerprint="f1")
        for service in self.site.services.values():
            row = new_row(
                consumer="bus",
                message_id=DEAD,
                type="booking.placed.v1",
                payload=payload,
                correlation_id="c-1",
            )
            with write_connection(service.engine) as connection:
                store_dead(connection, row, failure)

    def _values(self) -> dict[str, Mapping[str, str]]:
        """An example for each variable of a path: by name, then by the word a row says in `where`."""
        payment, certificate = self._hers()
        return {
            "workshop_id": {
                "": str(self.workshops["done"]),
                **{k: str(v) for k, v in self.workshops.items()},
            },
            "booking_id": {"": str(self.order.booking_id)},
            "enrollment_id": {
                "": str(self.order.enrollment_ids[0]),
                "refused": str(self.refused.enrollment_ids[0]),
            },
            "payment_id": {"": str(payment.payment_id)},
            "session_id": {"": str(payment.stripe_session_id)},
            "number": {"": certificate.number},
            "source": {"": "bus"},
            "message_id": {"": DEAD},
            "fingerprint": {"": "f1"},
            "filename": {"": "rostrum.css"},
        }

    def _hers(self) -> tuple[Payment, Certificate]:
        wanted = PaymentFilter(booking_id=self.order.booking_id)
        with self.site.services["payment"].transactions.read() as session:
            ((payment, *_),) = list_payments(session, wanted, limit=5, offset=0)
        with self.site.services["certification"].transactions.read() as session:
            view = certificate_view(session, self.order.enrollment_ids[0])
        assert view is not None
        assert view.certificate is not None
        return payment, view.certificate

    def published(self, service: str) -> str:
        """A message the service published."""
        with read_connection(self.site.services[service].engine) as connection:
            return str(connection.scalars(select(outbox.c.id).limit(1)).one())

    # Who comes by -----------------------------------------------------------------------------------

    def principal(self, caller: str) -> Principal:
        """A new session of a staff member."""
        return Principal.sign_in(staff_id=self.staff_ids[caller], name=caller, roles=[ROLES[caller]])

    def authenticator(self, service: str) -> Authenticator:
        """What the guards of that service know."""
        found: Authenticator = self.apps[service].extensions["rostrum-auth"]
        return found

    # What must not happen ---------------------------------------------------------------------------

    def mark(self) -> Any:
        """Differs from an earlier mark when anything was written, mailed, charged or submitted in between."""
        written = [watch.execute("PRAGMA data_version").fetchone()[0] for watch in self._watches.values()]
        return written, dict(self.site.stripe.sandbox.requests), len(self.site.post.mailbox.newest_first())


def _tokens(site: WholeSite, order: story.Order) -> dict[str, str]:
    return {
        "booking": site.token("booking", order.booking_id),
        "pay": site.token("pay", order.booking_id),
        "certificate": site.token("certificate", order.enrollment_ids[0]),
    }
