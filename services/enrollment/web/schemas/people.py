"""Who pays and who attends: the same for forms and for the API."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from services.enrollment.domain.booking import MAX_SEATS
from services.enrollment.domain.people import (
    MAX_EMAIL,
    MAX_NAME,
    AttendeeDetails,
    PayerDetails,
    check_party,
    clean_email,
    clean_name,
)
from shared.web.documented import shown

_NAME: dict[str, Any] = {
    "description": "One line without invisible characters",
    "maxLength": MAX_NAME,
    "pattern": r"\S",
}
_EMAIL: dict[str, Any] = {"format": "email", "maxLength": MAX_EMAIL}


def _asking(text: str) -> dict[str, Any]:
    """What is said when a field is empty, null or no text."""
    return dict.fromkeys(("required", "null", "invalid"), text)


class PersonName(fields.String):
    """A name in one line, in any script."""

    default_error_messages = _asking("Enter a name.")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return clean_name(text or "")
        except ValueError as error:
            raise ValidationError(str(error)) from None


class EmailAddress(fields.String):
    """An e-mail address."""

    default_error_messages = _asking("Enter an e-mail address.")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return clean_email(text or "")
        except ValueError as error:
            raise ValidationError(str(error)) from None


class AttendeeSchema(Schema):
    """One attendee. Without `registry_email` the Scrum Alliance account has the attendee's own address."""

    given_name = PersonName(
        required=True,
        error_messages=_asking("Enter the given name."),
        metadata=shown("Ada", **_NAME),
    )
    family_name = PersonName(
        required=True,
        error_messages=_asking("Enter the family name."),
        metadata=shown("Lovelace", **_NAME),
    )
    email = EmailAddress(required=True, metadata=shown("ada@example.com", **_EMAIL))
    registry_email = EmailAddress(
        metadata=shown("ada@example.com", "Address of the Scrum Alliance account", **_EMAIL)
    )

    @post_load
    def make(self, data: dict[str, Any], **_kwargs: Any) -> AttendeeDetails:
        """The attendee."""
        return AttendeeDetails(registry_email=data.pop("registry_email", data["email"]), **data)


class BookingDetailsSchema(Schema):
    """Who pays and who attends: a booking without its workshop. Loads to `payer` and `attendees`."""

    payer_name = PersonName(
        required=True,
        error_messages=_asking("Enter the payer's name."),
        metadata=shown("Charles Babbage", **_NAME),
    )
    payer_email = EmailAddress(
        required=True,
        error_messages=_asking("Enter the payer's e-mail address."),
        metadata=shown("charles@example.com", "Gets the letters about the booking", **_EMAIL),
    )
    locale = fields.String(
        load_default="en",
        validate=validate.Length(max=35),
        metadata=shown("en", "Language and region for amounts and dates; what we do not know counts as en"),
    )
    attendees = fields.List(
        fields.Nested(AttendeeSchema),
        required=True,
        validate=validate.Length(
            min=1, max=MAX_SEATS, error=f"Name at least 1 and at most {MAX_SEATS} attendees."
        ),
        metadata={"description": "One seat each; no two may have the same Scrum Alliance account"},
    )

    @validates_schema
    def check_accounts(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Each attendee needs a Scrum Alliance account of their own."""
        payer = PayerDetails(name=data["payer_name"], email=data["payer_email"])
        _, _, wrong = check_party(payer, tuple(data["attendees"]), max_seats=MAX_SEATS)
        messages: dict[int, dict[str, list[str]]] = {}
        for path, texts in wrong.items():
            _, index, name = path.split(".")
            messages.setdefault(int(index), {})[name] = texts
        if messages:
            raise ValidationError({"attendees": messages})

    @post_load
    def make(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Payer and attendees as the command takes them."""
        payer = PayerDetails(
            name=data.pop("payer_name"), email=data.pop("payer_email"), locale=data.pop("locale")
        )
        return {**data, "payer": payer, "attendees": tuple(data["attendees"])}
