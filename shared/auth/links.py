"""Signed links: how people without an account reach what is theirs.

A link names a subject and a version. The signature alone says that it was issued; whether it still holds
is said by the version the reading service keeps from events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

from shared.auth.signing import serializer
from shared.errors import AppError, NotFound

_LONGEST = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a genuine link says."""

    purpose: str
    subject_id: UUID
    version: int


class BadLink(NotFound):
    """The link was cut short, changed, or never issued (404), or has been replaced by a newer one (410)."""

    title = "This link does not work"

    def __init__(self, reason: Literal["unknown", "replaced"] = "unknown") -> None:
        self.reason = reason
        if reason == "replaced":
            self.status = 410
            self.title = "This link was replaced"
            detail = "A newer link was sent. Use the link in the newest e-mail you have from us."
        else:
            detail = "The link may be incomplete. Open it again from the e-mail, or copy the whole line."
        super().__init__(f"link_{reason}", detail)


class NotHeardYet(AppError):
    """The link is genuine, but its news has not arrived here yet: the browser was faster than the bus."""

    status = 503
    title = "One moment"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__("not_heard_yet", "We are getting this ready. Try again in two seconds.")


class LinkSigner:
    """Issues and verifies links; the newest key signs, all verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def issue(self, purpose: str, subject_id: UUID, version: int) -> str:
        """The token for a link."""
        return str(serializer(self._keys, _salt(purpose)).dumps([subject_id.hex, version]))

    def verify(self, purpose: str, token: str) -> Link:
        """What the token says, when we issued it for this very purpose; raises `BadLink`."""
        if len(token) > _LONGEST:
            raise BadLink()
        try:
            subject, version = serializer(self._keys, _salt(purpose)).loads(token)
            if not _as_issued(token):
                raise BadLink()
            return Link(purpose=purpose, subject_id=UUID(subject), version=int(version))
        except (BadData, TypeError, ValueError, AttributeError):
            raise BadLink() from None


def check_version(link: Link, stored_version: int) -> None:
    """Compare with our copy: an older link was replaced, a newer one is ahead of its event."""
    if link.version < stored_version:
        raise BadLink("replaced")
    if link.version > stored_version:
        raise NotHeardYet()


def _as_issued(token: str) -> bool:
    # The last letter of the signature has two bits that carry nothing: three other letters would do as well.
    signature = token.rsplit(".", 1)[-1]
    return base64_encode(base64_decode(signature)).decode() == signature


def _salt(purpose: str) -> str:
    return f"rostrum.link.{purpose}"
