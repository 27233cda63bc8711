"""The same letter always has the same id."""

from uuid import uuid4

from services.enrollment.domain.letter import LetterKind, letter_id


def test_one_letter_per_kind_and_subject() -> None:
    subject = uuid4()
    ids = {letter_id(kind, subject, 1) for kind in LetterKind}
    assert len(ids) == len(LetterKind)
    assert letter_id(LetterKind.SEAT_CONFIRMED, subject, 1) in ids
    assert letter_id(LetterKind.SEAT_CONFIRMED, uuid4(), 1) not in ids


def test_only_letters_about_a_new_link_go_out_again_with_the_next_one() -> None:
    subject = uuid4()
    again = {kind for kind in LetterKind if letter_id(kind, subject, 1) != letter_id(kind, subject, 2)}
    assert again == {LetterKind.LINKS_RENEWED, LetterKind.SEAT_LINK_RENEWED}
