"""What callers send and get: strict on the way in, the same for forms and for the API."""

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
        metadata={"example": "Ada", "maxLength": MAX_NAME},
    )
    family_name = PersonName(
        required=True,
        error_messages=_asking("Enter the family name."),
        metadata={"example": "Lovelace", "maxLength": MAX_NAME},
    )
    email = EmailAddress(required=True, metadata={"example": "ada@example.com", "maxLength": MAX_EMAIL})
    registry_email = EmailAddress(
        metadata={"description": "Address of the Scrum Alliance account", "example": "ada@example.com"}
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
        metadata={"example": "Charles Babbage"},
    )
    payer_email = EmailAddress(
        required=True,
        error_messages=_asking("Enter the payer's e-mail address."),
        metadata={"example": "charles@example.com"},
    )
    locale = fields.String(
        load_default="en", validate=validate.Length(max=35), metadata={"description": "For amounts and dates"}
    )
    attendees = fields.List(
        fields.Nested(AttendeeSchema),
        required=True,
        validate=validate.Length(
            min=1, max=MAX_SEATS, error=f"Name at least 1 and at most {MAX_SEATS} attendees."
        ),
        metadata={"description": "One seat each"},
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


class PlaceBookingSchema(BookingDetailsSchema):
    """A booking of one or more seats."""

    workshop_id = fields.UUID(required=True)
    expected_amount_minor = fields.Integer(
        strict=True,
        validate=validate.Range(min=0),
        metadata={"description": "The whole price you were shown; another price is refused"},
    )


class BlockSchema(Schema):
    """One block of a workshop."""

    block_id = fields.UUID()
    position = fields.Integer()
    starts_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime()
    break_minutes = fields.Integer()
    contact_minutes = fields.Integer(metadata={"description": "Elapsed minutes without breaks"})


class WorkshopSchema(Schema):
    """One line of the catalogue."""

    workshop_id = fields.UUID()
    title = fields.String()
    course_code = fields.String(metadata={"example": "CSPO"})
    course_name = fields.String()
    trainer_name = fields.String()
    starts_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime()
    time_zone = fields.String(metadata={"description": "IANA name", "example": "Europe/Berlin"})
    delivery = fields.String(metadata={"description": "online or in_person"})
    venue = fields.String(allow_none=True)
    price_minor = fields.Integer(metadata={"description": "Per seat, in the currency's minor unit"})
    currency = fields.String(metadata={"example": "EUR"})
    capacity = fields.Integer()
    seats_left = fields.Integer()


class WorkshopListSchema(Schema):
    """The catalogue: published workshops that have not begun."""

    workshops = fields.List(fields.Nested(WorkshopSchema))


class WorkshopPageSchema(WorkshopSchema):
    """A workshop with its schedule."""

    state = fields.String()
    blocks = fields.List(fields.Nested(BlockSchema))
    contact_minutes = fields.Integer()
    required_minutes = fields.Integer()
    accreditor = fields.String()
    exam_required = fields.Boolean()
    summary = fields.String()
    included = fields.List(fields.String())
    bookable = fields.Boolean()
    closed_because = fields.String(allow_none=True)


class PlacedEnrollmentSchema(Schema):
    """One seat of a new booking."""

    enrollment_id = fields.UUID()
    certificate_url = fields.String(metadata={"description": "Where is my certificate?"})


class PlacedBookingSchema(Schema):
    """A new booking and its links. Whoever has the links may see and pay the booking."""

    booking_id = fields.UUID()
    reference = fields.String(metadata={"example": "R-7K3Q-9F2M"})
    amount_minor = fields.Integer()
    currency = fields.String()
    pay_by = fields.AwareDateTime(metadata={"description": "The last moment to open the payment page"})
    booking_token = fields.String()
    booking_url = fields.String()
    pay_token = fields.String()
    pay_url = fields.String()
    enrollments = fields.List(fields.Nested(PlacedEnrollmentSchema))


class KeptBookingSchema(Schema):
    """What is kept of a booking to answer the same request again: ids, and nothing about people."""

    booking_id = fields.UUID()
    reference = fields.String()
    link_version = fields.Integer()
    amount_minor = fields.Integer()
    currency = fields.String()
    pay_by = fields.AwareDateTime()
    enrollment_ids = fields.List(fields.UUID())


class StepSchema(Schema):
    """One step of an attendee's progress."""

    title = fields.String()
    state = fields.String(metadata={"description": "done, current, todo or problem"})
    at = fields.AwareDateTime(allow_none=True)
    text = fields.String()


class BookedAttendeeSchema(Schema):
    """One attendee of a booking."""

    enrollment_id = fields.UUID()
    given_name = fields.String()
    family_name = fields.String()
    email = fields.String()
    registry_email = fields.String()
    amount_minor = fields.Integer()
    seat = fields.String(metadata={"description": "held, kept or lost"})
    coverage = fields.String(allow_none=True, metadata={"description": "covered, uncovered or frozen"})
    steps = fields.List(fields.Nested(StepSchema))


class BookingSchema(Schema):
    """A booking as its payer sees it."""

    booking_id = fields.UUID()
    reference = fields.String()
    state = fields.String(metadata={"description": "held, confirmed, expired, unseated or cancelled"})
    payer_name = fields.String()
    payer_email = fields.String()
    seats = fields.Integer()
    seat_price_minor = fields.Integer()
    amount_minor = fields.Integer()
    currency = fields.String()
    placed_at = fields.AwareDateTime()
    pay_by = fields.AwareDateTime()
    hold_ends_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    workshop_id = fields.UUID()
    workshop_title = fields.String()
    course_code = fields.String()
    join_link = fields.String(allow_none=True, metadata={"description": "Only while the seats are confirmed"})
    venue = fields.String(allow_none=True)
    time_zone = fields.String()
    starts_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime()
    attendees = fields.List(fields.Nested(BookedAttendeeSchema))


class CompletionSchema(Schema):
    """A completed workshop."""

    workshop_id = fields.UUID()
    state = fields.String()
    completed_at = fields.AwareDateTime()
    released = fields.Integer(metadata={"description": "How many attendees were assessed"})
    eligible = fields.Integer(metadata={"description": "How many of them are eligible"})
