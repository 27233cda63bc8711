"""Who has an account."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.enrollment.domain import StaffMember


@dataclass(frozen=True, kw_only=True)
class StaffRow:
    """One account, without its secret."""

    staff_id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    teaches: tuple[str, ...]
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StaffAccount:
    """What signing in needs to know about an account."""

    staff_id: UUID
    name: str
    roles: tuple[str, ...]
    is_open: bool
    changed_at: datetime
    password_hash: str = field(repr=False)


def staff_list(session: Session) -> Sequence[StaffRow]:
    """All accounts by name, closed ones last."""
    members = session.scalars(
        select(StaffMember).order_by(StaffMember.closed_at.is_not(None), StaffMember.name, StaffMember.email)
    )
    return [
        StaffRow(
            staff_id=member.staff_id,
            email=member.email,
            name=member.name,
            roles=member.roles,
            teaches=member.teaches,
            created_at=member.created_at,
            closed_at=member.closed_at,
        )
        for member in members
    ]


def account_by_email(session: Session, email: str) -> StaffAccount | None:
    """The account somebody wants to sign in to."""
    member = session.scalars(
        select(StaffMember).where(StaffMember.email == email.strip().lower())
    ).one_or_none()
    if member is None:
        return None
    return StaffAccount(
        staff_id=member.staff_id,
        name=member.name,
        roles=member.roles,
        is_open=member.closed_at is None,
        changed_at=member.changed_at,
        password_hash=member.password_hash,
    )
