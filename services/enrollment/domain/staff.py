"""Who works here: accounts, roles, and the limit on guessing passwords."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base, TextList

LOGIN_ATTEMPTS = 5
LOGIN_WINDOW = timedelta(minutes=1)
LOGIN_MEMORY = timedelta(hours=1)
MIN_PASSWORD = 12
MAX_PASSWORD = 200


class Role(StrEnum):
    """What a staff member may do."""

    TRAINER = "trainer"
    FINANCE = "finance"
    OPS = "ops"
    ADMIN = "admin"


class StaffMember(MappedAsDataclass, Base, kw_only=True):
    """A local account. `email` is in lower case; `teaches` lists the courses a trainer is accredited for."""

    __tablename__ = "staff_member"

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[tuple[str, ...]] = mapped_column(TextList())
    teaches: Mapped[tuple[str, ...]] = mapped_column(TextList(), default=())
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)

    def may_teach(self, course_code: str) -> bool:
        """Whether this is a trainer, still with us, accredited for the course."""
        return Role.TRAINER in self.roles and course_code in self.teaches and self.closed_at is None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """An attempt to sign in: it may go on, or has to `wait`. `attempted_at` is how it can be taken back."""

    attempted_at: datetime
    wait: timedelta | None = None


class LoginThrottle(MappedAsDataclass, Base, kw_only=True):
    """The moments of the newest failed sign-ins on one account, and of those that are being judged.

    An attempt counts before its password is looked at, so that many at once are no way round the limit; the
    right password takes its own attempt back, and no other one's.

    Keyed by a hash of what was typed: people sometimes type their password into the wrong field.
    """

    __tablename__ = "login_throttle"

    account_key: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[tuple[str, ...]] = mapped_column(TextList(), default=())
    last_attempt_at: Mapped[datetime | None] = mapped_column(default=None)

    def admit(self, now: datetime) -> Admission:
        """Count one attempt, unless it has to wait."""
        self.last_attempt_at = now
        recent = [at for at in map(datetime.fromisoformat, self.attempts) if now - at < LOGIN_WINDOW]
        if len(recent) >= LOGIN_ATTEMPTS:
            return Admission(attempted_at=now, wait=recent[-LOGIN_ATTEMPTS] + LOGIN_WINDOW - now)
        self.attempts = tuple(at.isoformat() for at in (*recent, now))
        return Admission(attempted_at=now)

    def take_back(self, attempted_at: datetime) -> None:
        """This attempt had the right password: it counts no longer."""
        left = list(self.attempts)
        if (moment := attempted_at.isoformat()) in left:
            left.remove(moment)
        self.attempts = tuple(left)


def account_key(email: str) -> str:
    """The throttle's key for what was typed as an e-mail address."""
    return hashlib.sha256(email.strip().casefold().encode()).hexdigest()


def clean_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Roles in one order, each once; raises `ValueError` for an unknown one."""
    wanted = {Role(role) for role in roles}
    return tuple(str(role) for role in Role if role in wanted)
