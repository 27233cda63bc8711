"""What is noted about letters."""

from dataclasses import dataclass
from uuid import UUID

from services.enrollment.domain.letter import LetterKind


@dataclass(frozen=True, kw_only=True)
class WantLetters:
    """Note which letters a booking asks for now, before any is sent."""

    booking_id: UUID
    kinds: tuple[LetterKind, ...]


@dataclass(frozen=True, kw_only=True)
class RecordLetter:
    """A letter went out, or its recipient's server refused it for good."""

    letter_id: UUID
    refused: bool = False
