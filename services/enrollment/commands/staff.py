"""What accounts and sign-ins can be asked to do."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class AddStaff:
    """Open an account. The password comes hashed: hashing is slow, which has no place in a transaction."""

    email: str
    name: str
    roles: tuple[str, ...]
    password_hash: str = field(repr=False)
    teaches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetPassword:
    """Give an account a new password; ends its sessions."""

    email: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ChangeRoles:
    """Give an account other roles; ends its sessions."""

    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccreditTrainer:
    """Note which courses a trainer is accredited for."""

    email: str
    teaches: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CloseStaff:
    """Close an account; ends its sessions."""

    email: str


@dataclass(frozen=True, kw_only=True)
class AdmitLogin:
    """Count one attempt to sign in, before its password is looked at."""

    email: str


@dataclass(frozen=True, kw_only=True)
class ConfirmLogin:
    """An attempt to sign in had the right password for the account as it was when `changed_at` said so."""

    email: str
    attempted_at: datetime
    staff_id: UUID
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class ForgetLogins:
    """Drop attempts to sign in that no longer count: they are traces of people, and anybody can add to them."""


@dataclass(frozen=True, kw_only=True)
class EndSession:
    """A staff member signs out."""

    staff_id: UUID
    session_id: UUID
