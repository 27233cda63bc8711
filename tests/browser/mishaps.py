"""What went wrong on the site: messages that failed, samples of a bad hour, a letter nobody here wrote."""

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, update

from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.ids import new_id
from shared.messaging.depth_history import record
from shared.messaging.group_actions import retry_group
from shared.messaging.groups import Key
from shared.messaging.inbox import Failure, new_row, store_dead
from tests.support.in_process import WholeSite

LONG_ERROR = "ValueError: " + "something that goes on and on, and names https://example.com/" + "a1b2" * 30


def failures(site: WholeSite) -> Iterator[tuple[str, UUID]]:
    """In each service a message that nobody can read, one that is dead with a long reason, and a retry in vain."""
    why = Failure(kind="failed", error=LONG_ERROR, fingerprint="f1")
    for service in site.services.values():
        with write_connection(service.engine) as connection:
            for message_id, payload in (("dead-1", '{"data": {"note": "kept"}}'), ("unreadable:ff", None)):
                row: dict[str, Any] = new_row(
                    consumer="bus",
                    message_id=message_id,
                    type="payment.refunded.v1",
                    payload=payload,
                    correlation_id=str(new_id()),
                )
                store_dead(connection, row if payload else {**row, "raw": b"\xff"}, why)
            _work_for_an_hour(connection)
        yield service.name, _retried_in_vain(service.engine)


def _retried_in_vain(engine: Engine) -> UUID:
    """A group that was tried again and failed again; gives the action."""
    key = Key(type="payment.refunded.v1", fingerprint="f2")
    why = Failure(kind="failed", error=LONG_ERROR, fingerprint=key.fingerprint)
    with write_connection(engine) as connection:
        row = new_row(
            consumer="bus", message_id="again-1", type=key.type, payload="{}", correlation_id=str(new_id())
        )
        store_dead(connection, row, why)
    action_id = retry_group(engine, key, actor="Noor Haddad")
    with write_connection(engine) as connection:
        again = update(inbox).where(inbox.c.message_id == "again-1")
        values = {"state": "dead", "error": why.error, "next_attempt_at": None, "attempts": 1}
        connection.execute(again.values(**values))
    return action_id


def _work_for_an_hour(connection: Connection) -> None:
    """Samples of depths and ages, with a gap, large numbers and a long queue name."""
    now = datetime.now(UTC)
    for minutes in (50, 40, 12, 1, 0):
        values = {
            "outbox_size": minutes * 30,
            "outbox_age_seconds": minutes,
            "inbox_received": 0,
            "inbox_failed": 1,
            "inbox_dead": 123_456,
            "sampled_at": now - timedelta(minutes=minutes),
            "worker_started_at": now - timedelta(minutes=55 if minutes > 20 else 15),
        }
        record(connection, values, {"payment.inbox": 7, "certification.crashed": 0, "rostrum.unrouted": 0})


def odd_letter(site: WholeSite) -> None:
    """What somebody else's mail may look like."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@b.example", "odd@example.com", "wide-" * 30
    letter.set_content("http://127.0.0.1:8000/bookings/" + "a1b2" * 60)
    letter.add_alternative("<h1>" + "wide" * 60 + "</h1>", subtype="html")
    with smtplib.SMTP("127.0.0.1", site.post.smtp_port, timeout=5) as smtp:
        smtp.send_message(letter)
