"""Bookings as the API takes and shows them."""

from marshmallow import Schema, fields, validate

from services.enrollment.domain import BookingState, SeatState
from services.enrollment.domain.progress import Coverage
from services.enrollment.web.schemas.people import BookingDetailsSchema
from services.enrollment.web.schemas.workshops import ENDS_AT, STARTS_AT, WORKSHOP_ID
from shared.web.documented import Answer, shown
from shared.web.json_bodies import WholeNumber

_BOOKING_ID = "0199f3a2-7c1e-7a40-9d55-40b0d4e2a1c6"
_ENROLLMENT_ID = "0199f3a2-7c1e-7a41-8b3c-1f2e3d4c5b6a"
_TOKEN = "WyIwMTk5ZjNhMjdjMWU3YTQwOWQ1NTQwYjBkNGUyYTFjNiIsMV0.dGhpcy1pcy1hbi1leGFtcGxl"
_SITE = "https://rostrum.example.com"
_PAY_BY = "2026-08-24T09:30:00+00:00"


class PlaceBookingSchema(BookingDetailsSchema):
    """A booking of one or more seats."""

    workshop_id = fields.UUID(required=True, metadata=shown(WORKSHOP_ID))
    expected_amount_minor = WholeNumber(
        validate=validate.Range(min=0),
        metadata=shown(100_000, "The whole price you were shown; another price is refused"),
    )


class PlacedEnrollmentSchema(Answer):
    """One seat of a new booking."""

    enrollment_id = fields.UUID(metadata=shown(_ENROLLMENT_ID))
    certificate_url = fields.String(
        metadata=shown(f"{_SITE}/certificates/{_TOKEN}", "Where is my certificate?", format="uri")
    )


class PlacedBookingSchema(Answer):
    """A new booking and its links. Whoever has the links may see and pay the booking."""

    booking_id = fields.UUID(metadata=shown(_BOOKING_ID))
    reference = fields.String(metadata=shown("R-7K3Q-9F2M", "What people quote on the phone"))
    amount_minor = fields.Integer(metadata=shown(100_000, "The whole price, in the currency's minor unit"))
    currency = fields.String(metadata=shown("EUR", "ISO 4217"))
    pay_by = fields.AwareDateTime(metadata=shown(_PAY_BY, "The last moment to open the payment page"))
    booking_token = fields.String(metadata=shown(_TOKEN, "Opens `GET /bookings/{token}`"))
    booking_url = fields.String(
        metadata=shown(f"{_SITE}/bookings/{_TOKEN}", "The payer's page", format="uri")
    )
    pay_token = fields.String(metadata=shown(_TOKEN))
    pay_url = fields.String(metadata=shown(f"{_SITE}/pay/{_TOKEN}", "Leads to the payment", format="uri"))
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


class StepSchema(Answer):
    """One step of an attendee's progress."""

    title = fields.String(metadata=shown("Paid"))
    state = fields.String(
        validate=validate.OneOf(["done", "current", "todo", "problem"]), metadata=shown("done")
    )
    at = fields.AwareDateTime(
        allow_none=True, metadata=shown("2026-08-24T09:08:21+00:00", "When it became so")
    )
    text = fields.String(metadata=shown("The payment is confirmed.", "What happened, or what comes next"))


class BookedAttendeeSchema(Answer):
    """One attendee of a booking."""

    enrollment_id = fields.UUID(metadata=shown(_ENROLLMENT_ID))
    given_name = fields.String(metadata=shown("Ada"))
    family_name = fields.String(metadata=shown("Lovelace"))
    email = fields.String(metadata=shown("ada@example.com"))
    registry_email = fields.String(metadata=shown("ada@example.com", "Address of the Scrum Alliance account"))
    amount_minor = fields.Integer(metadata=shown(100_000, "This seat's share of the price"))
    seat = fields.String(validate=validate.OneOf([*map(str, SeatState)]), metadata=shown("kept"))
    coverage = fields.String(
        allow_none=True,
        validate=validate.OneOf([*map(str, Coverage)]),
        metadata=shown("covered", "Whether the seat is paid for; null before anything is known"),
    )
    steps = fields.List(fields.Nested(StepSchema))


class BookingSchema(Answer):
    """A booking as its payer sees it."""

    booking_id = fields.UUID(metadata=shown(_BOOKING_ID))
    reference = fields.String(metadata=shown("R-7K3Q-9F2M", "What people quote on the phone"))
    state = fields.String(validate=validate.OneOf([*map(str, BookingState)]), metadata=shown("confirmed"))
    payer_name = fields.String(metadata=shown("Charles Babbage"))
    payer_email = fields.String(metadata=shown("charles@example.com"))
    seats = fields.Integer(metadata=shown(1))
    seat_price_minor = fields.Integer(metadata=shown(100_000))
    amount_minor = fields.Integer(metadata=shown(100_000, "The whole price, in the currency's minor unit"))
    currency = fields.String(metadata=shown("EUR", "ISO 4217"))
    placed_at = fields.AwareDateTime(metadata=shown("2026-08-24T09:00:00+00:00"))
    pay_by = fields.AwareDateTime(metadata=shown(_PAY_BY, "The last moment to open the payment page"))
    hold_ends_at = fields.AwareDateTime(
        metadata=shown("2026-08-24T09:44:10+00:00", "Until then the seats are held")
    )
    confirmed_at = fields.AwareDateTime(allow_none=True, metadata=shown("2026-08-24T09:08:21+00:00"))
    workshop_id = fields.UUID(metadata=shown(WORKSHOP_ID))
    workshop_title = fields.String(metadata=shown("Certified Scrum Product Owner"))
    course_code = fields.String(metadata=shown("CSPO"))
    join_link = fields.String(
        allow_none=True,
        metadata=shown("https://meet.example.com/room", "Only while the seats are confirmed"),
    )
    venue = fields.String(allow_none=True, metadata=shown(None, "Null for online workshops"))
    time_zone = fields.String(metadata=shown("Europe/Berlin", "Name in the IANA database"))
    starts_at = fields.AwareDateTime(metadata=shown(STARTS_AT))
    ends_at = fields.AwareDateTime(metadata=shown(ENDS_AT))
    attendees = fields.List(fields.Nested(BookedAttendeeSchema))
