"""Forms through marshmallow schemas: nested names, blanks, hostile input."""

import marshmallow
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields, validate, validates_schema
from werkzeug.datastructures import MultiDict

from shared.errors import Conflict, Invalid
from shared.web.forms import load_form
from shared.web.pages import field_errors


class Attendee(marshmallow.Schema):
    """One attendee."""

    name = fields.String(required=True, error_messages={"required": "Enter the name"})
    email = fields.Email(required=True, error_messages={"required": "Enter the e-mail address"})


class Booking(marshmallow.Schema):
    """A form with repeated groups, a list and a rule over two fields."""

    payer = fields.String(required=True, validate=validate.Length(max=10))
    seats = fields.Integer(load_default=1)
    note = fields.String(load_default=None)
    topics = fields.List(fields.String(), load_default=list)
    attendees = fields.List(fields.Nested(Attendee), load_default=list)

    @validates_schema
    def as_many_as_seats(self, data: dict[str, object], **_: object) -> None:
        """A rule of the whole form."""
        if data.get("seats") == 13:
            raise marshmallow.ValidationError("Thirteen is unlucky")


def form(*pairs: tuple[str, str]) -> "MultiDict[str, str]":
    """What a browser sends."""
    return MultiDict(pairs)


def test_nested_lists_and_blanks() -> None:
    data, errors = load_form(
        Booking(),
        form(
            ("csrf_token", "t"),
            ("payer", "  Ada  "),
            ("note", "   "),
            ("topics", "a"),
            ("topics", "b"),
            ("attendees-0-name", "Ada"),
            ("attendees-0-email", "ada@example.org"),
            ("attendees-1-name", "Bob"),
            ("attendees-1-email", "bob@example.org"),
        ),
    )
    assert errors == {}
    assert data["payer"] == "Ada"
    assert data["note"] is None
    assert data["topics"] == ["a", "b"]
    assert [a["name"] for a in data["attendees"]] == ["Ada", "Bob"]


def test_errors_have_the_fields_names_even_with_gaps() -> None:
    data, errors = load_form(
        Booking(),
        form(
            ("payer", "much too long a name"),
            ("attendees-2-name", "Ada"),
            ("attendees-2-email", "no"),
            ("attendees-7-name", ""),
        ),
    )
    assert data is None
    assert errors == {
        "payer": ["Longer than maximum length 10."],
        "attendees-2-email": ["Not a valid email address."],
        "attendees-7-name": ["Enter the name"],
        "attendees-7-email": ["Enter the e-mail address"],
    }


def test_a_rule_of_the_whole_has_no_field() -> None:
    assert load_form(Booking(), form(("payer", "Ada"), ("seats", "13")))[1] == {"": ["Thirteen is unlucky"]}


def test_unknown_fields_and_controls() -> None:
    assert load_form(Booking(), form(("payer", "A\x00da\x1b"), ("x", "1")))[1] == {"x": ["Unknown field."]}
    data, _ = load_form(Booking(), form(("payer", "A\x00d\r\na")))
    assert data["payer"] == "Ad\na"


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=8))
def test_any_form_gets_an_answer(pairs: list[tuple[str, str]]) -> None:
    data, errors = load_form(Booking(), form(*pairs))
    assert (data is None) == bool(errors)


def test_what_a_handler_refuses_speaks_of_the_same_fields() -> None:
    refused = Invalid("x", "Look below.", fields={"attendees.0.email": ["Taken"]})
    assert field_errors(refused) == {"attendees-0-email": ["Taken"]}
    assert field_errors(Conflict("full", "No seat is left.")) == {"": ["No seat is left."]}
