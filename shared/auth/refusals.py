"""Cookies that are genuine and still refused: the session was ended, or the account changed.

The cookie is checked without asking its owner, so every service keeps its own list, filled by the events
its `subscriptions.py` maps to these two commands. The owner calls the handlers in its own transaction.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.auth.principal import Principal
from shared.db.kernel_tables import staff_refusal


class HasSession(Protocol):
    """A transaction, as far as this module needs it."""

    @property
    def session(self) -> Session: ...


@dataclass(frozen=True, kw_only=True)
class RefuseSession:
    """A staff member signed out: refuse this session's cookie."""

    session_id: UUID


@dataclass(frozen=True, kw_only=True)
class RefuseBefore:
    """Roles or password changed, or the account was closed: refuse cookies issued before."""

    staff_id: UUID
    changed_at: datetime


def refuse_session(command: RefuseSession, tx: HasSession) -> None:
    """From now on nobody comes in with this session's cookie."""
    _record(tx.session, _session_subject(command.session_id), datetime.now(UTC))


def refuse_before(command: RefuseBefore, tx: HasSession) -> None:
    """From now on nobody comes in with a cookie that was issued before the change.

    Cookies carry real time, events business time, which a sandbox moves ahead: a change is never later
    than the moment we hear of it, else nobody could sign in again until the real clock caught up.
    """
    _record(tx.session, _staff_subject(command.staff_id), min(command.changed_at, datetime.now(UTC)))


def is_refused(session: Session, principal: Principal) -> bool:
    """Whether this principal's cookie has been withdrawn."""
    table = staff_refusal.c
    found = session.execute(
        select(table.subject)
        .where(
            or_(
                table.subject == _session_subject(principal.session_id),
                (table.subject == _staff_subject(principal.staff_id))
                & (table.refused_before > principal.issued_at),
            )
        )
        .limit(1)
    )
    return found.first() is not None


def _record(session: Session, subject: str, refused_before: datetime) -> None:
    # In any order and with repeats the latest moment stays.
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(staff_refusal).values(
        subject=subject, refused_before=refused_before, recorded_at=datetime.now(UTC)
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[staff_refusal.c.subject],
            set_={"refused_before": new.refused_before, "recorded_at": new.recorded_at},
            where=staff_refusal.c.refused_before < new.refused_before,
        )
    )


def _session_subject(session_id: UUID) -> str:
    return f"session:{session_id}"


def _staff_subject(staff_id: UUID) -> str:
    return f"staff:{staff_id}"
