"""The same letter always has the same id."""

from uuid import uuid4

from services.enrollment.domain.letter import LetterKind, letter_id


def test_one_letter_per_kind_and_subject() -> None:
    subject = uuid4()
    ids = {letter_id(kind, subject) for kind in LetterKind}
    assert len(ids) == len(LetterKind)
    assert letter_id(LetterKind.SEAT_CONFIRMED, subject) in ids
    assert letter_id(LetterKind.SEAT_CONFIRMED, uuid4()) not in ids
