"""Links: only what we issued, for the purpose we issued it for."""

import contextlib
import string
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.links import BadLink, LinkSigner, NotHeardYet, check_version

SUBJECT = UUID("018f0000-0000-7000-8000-000000000001")


def test_says_what_was_signed() -> None:
    signer = LinkSigner(["key"])
    link = signer.verify("booking", signer.issue("booking", SUBJECT, 3))
    assert (link.purpose, link.subject_id, link.version) == ("booking", SUBJECT, 3)


def test_another_purpose_is_refused() -> None:
    signer = LinkSigner(["key"])
    with pytest.raises(BadLink):
        signer.verify("pay", signer.issue("booking", SUBJECT, 1))


def test_keys_rotate_newest_first() -> None:
    old, both, new = LinkSigner(["old"]), LinkSigner(["new", "old"]), LinkSigner(["new"])
    assert both.verify("booking", old.issue("booking", SUBJECT, 1)).version == 1
    assert new.verify("booking", both.issue("booking", SUBJECT, 1)).version == 1
    with pytest.raises(BadLink):
        new.verify("booking", old.issue("booking", SUBJECT, 1))


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_any_changed_character_is_refused(position: int, replacement: int) -> None:
    signer = LinkSigner(["key"])
    token = signer.issue("booking", SUBJECT, 1)
    position %= len(token)
    changed = token[:position] + chr(replacement) + token[position + 1 :]
    if changed == token:
        return
    with pytest.raises(BadLink):
        signer.verify("booking", changed)


def test_the_last_letter_of_the_signature_has_no_second_spelling() -> None:
    signer = LinkSigner(["key"])
    token = signer.issue("booking", SUBJECT, 1)
    accepted = []
    for letter in string.ascii_letters + string.digits + "-_":
        with contextlib.suppress(BadLink):
            signer.verify("booking", token[:-1] + letter)
            accepted.append(letter)
    assert accepted == [token[-1]]


@given(st.text(max_size=600))
def test_any_text_is_refused_calmly(text: str) -> None:
    with pytest.raises(BadLink):
        LinkSigner(["key"]).verify("booking", text)


def test_version_decides() -> None:
    signer = LinkSigner(["key"])
    link = signer.verify("booking", signer.issue("booking", uuid4(), 2))
    check_version(link, 2)
    with pytest.raises(BadLink) as replaced:
        check_version(link, 3)
    assert replaced.value.status == 410
    with pytest.raises(NotHeardYet):
        check_version(link, 1)


def test_without_keys_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="key"):
        LinkSigner([]).issue("booking", SUBJECT, 1)
