"""Who is signed in, as the staff cookie says it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from shared.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A signed-in staff member. `issued_at` is real time, as everything about sessions is."""

    staff_id: UUID
    name: str
    roles: frozenset[str]
    session_id: UUID
    issued_at: datetime

    @classmethod
    def sign_in(
        cls, *, staff_id: UUID, name: str, roles: Iterable[str], issued_at: datetime | None = None
    ) -> "Principal":
        """The principal of a new session, by default from now on: every sign-in gets a session id of its own."""
        return cls(
            staff_id=staff_id,
            name=name,
            roles=frozenset(roles),
            session_id=new_id(),
            issued_at=issued_at or datetime.now(UTC),
        )

    def has_role(self, roles: Iterable[str]) -> bool:
        """Whether one of `roles` is held."""
        return not self.roles.isdisjoint(roles)
