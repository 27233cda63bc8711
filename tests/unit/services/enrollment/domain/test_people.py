"""Names of any script are welcome; what could forge a header or a reading is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrollment.domain.people import (
    AttendeeDetails,
    PayerDetails,
    check_party,
    clean_email,
    clean_locale,
    clean_name,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Jose\u0301 Ibáñez", "José Ibáñez"),
        ("山田 太郎", "山田 太郎"),
        ("نیک\u200cپی", "نیک\u200cپی"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("O'Brien-Šmíd, Jr.", "O'Brien-Šmíd, Jr."),
    ],
)
def test_names_are_kept_as_text(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "A\r\nBcc: x",
        "A\nB",
        "A\x00",
        "A\u202eB",
        "A\u2028B",
        "A\u200bB",
        "A\u200dB",
        "שר\u200d",
        "x" * 101,
    ],
)
def test_names_that_are_not_one_visible_line_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="Enter"):
        clean_name(typed)


@given(st.text(max_size=120))
def test_a_name_is_refused_or_is_one_printable_line(typed: str) -> None:
    try:
        name = clean_name(typed)
    except ValueError:
        return
    assert name == clean_name(name)
    assert 1 <= len(name) <= 100
    assert len(name.splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.L+cspo@Example.COM ", "Ada.L+cspo@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_addresses_keep_their_local_part(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "ada", "@example.com", "ada@", "ada@localhost", "ada@@example.com", "a b@example.com",
        "ada@example..com", ".ada@example.com", "ada.@example.com", "a..b@example.com", "ada@-x.com",
        "ada@example.com\nBcc: x@example.com", "ada@example.com,b@example.com", "Ada <ada@example.com>",
        f"{'x' * 65}@example.com", f"ada@{'x' * 64}.com", f"{'x' * 64}@{('y' * 60 + '.') * 4}com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="Enter an e-mail address"):
        clean_email(typed)


@pytest.mark.parametrize(
    ("given_tag", "kept"), [("de-AT", "de-AT"), ("pt_BR", "pt_BR"), (None, "en"), ("x y", "en"), ("", "en")]
)
def test_a_strange_language_is_no_reason_to_refuse(given_tag: str | None, kept: str) -> None:
    assert clean_locale(given_tag) == kept


def person(number: int, **changes: str) -> AttendeeDetails:
    values = {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "email": "ada@example.com",
        "registry_email": f"ada{number}@example.com",
        **changes,
    }
    return AttendeeDetails(**values)


PAYER = PayerDetails(name="Charles", email="charles@example.com")


def test_a_party_that_is_fine() -> None:
    payer, attendees, wrong = check_party(PAYER, (person(1), person(2, given_name=" Ada ")), max_seats=2)
    assert (payer, attendees, wrong) == (PAYER, (person(1), person(2)), {})


def test_everything_wrong_is_named_at_once() -> None:
    bad = person(1, given_name="", family_name="x" * 101, email="ada", registry_email="@")
    _, _, wrong = check_party(PayerDetails(name="", email="x"), (bad,), max_seats=1)
    assert set(wrong) == {
        "payer_name",
        "payer_email",
        "attendees.0.given_name",
        "attendees.0.family_name",
        "attendees.0.email",
        "attendees.0.registry_email",
    }


def test_nobody_too_many_and_twice_the_same_account() -> None:
    assert set(check_party(PAYER, (), max_seats=1)[2]) == {"attendees"}
    assert set(check_party(PAYER, (person(1), person(2)), max_seats=1)[2]) == {"attendees"}
    twin = person(2, registry_email="ADA1@example.com")
    assert set(check_party(PAYER, (person(1), twin), max_seats=2)[2]) == {"attendees.1.registry_email"}
