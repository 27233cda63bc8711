"""Workshops as the API shows them."""

from marshmallow import fields, validate

from services.enrollment.domain import Delivery, WorkshopState
from shared.web.documented import Answer, shown

WORKSHOP_ID = "0199f3a2-0b5e-7c1d-8e2f-3a4b5c6d7e8f"
STARTS_AT, ENDS_AT = "2026-09-14T07:00:00+00:00", "2026-09-15T15:00:00+00:00"


class BlockSchema(Answer):
    """One block of a workshop."""

    block_id = fields.UUID(metadata=shown("0199f3a2-0b5e-7c1d-8e2f-3a4b5c6d7e90"))
    position = fields.Integer(metadata=shown(1, "From 1, in order of time"))
    starts_at = fields.AwareDateTime(metadata=shown(STARTS_AT))
    ends_at = fields.AwareDateTime(metadata=shown("2026-09-14T15:00:00+00:00"))
    break_minutes = fields.Integer(metadata=shown(60))
    contact_minutes = fields.Integer(metadata=shown(420, "Elapsed minutes without breaks"))


class WorkshopSchema(Answer):
    """One line of the catalogue."""

    workshop_id = fields.UUID(metadata=shown(WORKSHOP_ID))
    title = fields.String(metadata=shown("Certified Scrum Product Owner"))
    course_code = fields.String(metadata=shown("CSPO"))
    course_name = fields.String(metadata=shown("Certified Scrum Product Owner"))
    trainer_name = fields.String(metadata=shown("Mira Lindqvist"))
    starts_at = fields.AwareDateTime(metadata=shown(STARTS_AT))
    ends_at = fields.AwareDateTime(metadata=shown(ENDS_AT))
    time_zone = fields.String(metadata=shown("Europe/Berlin", "Name in the IANA database"))
    delivery = fields.String(validate=validate.OneOf([*map(str, Delivery)]), metadata=shown("online"))
    venue = fields.String(allow_none=True, metadata=shown(None, "Null for online workshops"))
    price_minor = fields.Integer(metadata=shown(100_000, "Per seat, in the currency's minor unit"))
    currency = fields.String(metadata=shown("EUR", "ISO 4217"))
    capacity = fields.Integer(metadata=shown(12))
    seats_left = fields.Integer(metadata=shown(9, "Neither held nor confirmed at this moment"))


class WorkshopListSchema(Answer):
    """The catalogue: published workshops that have not begun."""

    workshops = fields.List(fields.Nested(WorkshopSchema))


class WorkshopPageSchema(WorkshopSchema):
    """A workshop with its schedule."""

    state = fields.String(validate=validate.OneOf([*map(str, WorkshopState)]), metadata=shown("published"))
    blocks = fields.List(fields.Nested(BlockSchema))
    contact_minutes = fields.Integer(metadata=shown(840, "All blocks together"))
    required_minutes = fields.Integer(metadata=shown(840, "The course's minimum when it was published"))
    accreditor = fields.String(metadata=shown("Scrum Alliance"))
    exam_required = fields.Boolean(metadata=shown(False))
    summary = fields.String(metadata=shown("Two days on what a Product Owner is accountable for."))
    included = fields.List(fields.String(metadata=shown("Preparatory material in advance")))
    bookable = fields.Boolean(metadata=shown(True, "Whether seats can be booked now"))
    closed_because = fields.String(
        allow_none=True, metadata=shown(None, "A sentence when it cannot be booked now")
    )


class CompletionSchema(Answer):
    """A completed workshop."""

    workshop_id = fields.UUID(metadata=shown(WORKSHOP_ID))
    state = fields.String(validate=validate.OneOf([*map(str, WorkshopState)]), metadata=shown("completed"))
    completed_at = fields.AwareDateTime(metadata=shown("2026-09-15T15:12:40+00:00"))
    released = fields.Integer(metadata=shown(3, "How many attendees were assessed"))
    eligible = fields.Integer(metadata=shown(3, "How many of them are eligible"))
