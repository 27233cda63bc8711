"""The port to the Scrum Alliance's registry of members. We look up by our own reference, then submit."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from shared.errors import Permanent, Unavailable


class SubmissionRefused(Permanent):
    """The registry will never accept this request as it is; `code` says why, `unknown_email` for one."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the registry refused the name: {code}")
        self.code = code


class NotTaken(Unavailable):
    """No name was put on the roster by this call, for sure: it did not get there, or was turned away unread."""


@dataclass(frozen=True, kw_only=True)
class MembershipRequest:
    """A name for the roster. `reference` is ours, the same in every attempt."""

    reference: str
    course_code: str
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MemberRecord:
    """What the registry says about a name. Dates are None until there is something to date."""

    reference: str
    activated_at: datetime | None = None
    issued_on: date | None = None


class MembershipRegistry(Protocol):
    """Both calls raise `Unavailable` when no answer came, whatever the registry made of the call.

    `NotTaken` is the happy case of it: then another call may follow at once.
    """

    def look_up(self, reference: str) -> MemberRecord | None:
        """The name submitted under our reference, None when the registry does not know it."""
        ...

    def submit(self, request: MembershipRequest) -> MemberRecord:
        """Put a name on the roster; raises `SubmissionRefused` when that can never succeed."""
        ...
