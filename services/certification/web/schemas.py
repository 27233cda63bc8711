"""Shapes of requests and answers, strict."""

from marshmallow import RAISE, Schema, fields, validate

from services.certification.domain.activation import Activation
from services.certification.domain.facts import Coverage, Seat
from services.certification.queries import STATES, STRANDED
from shared.web.documented import Answer, shown

_ENROLLMENT_ID = "0199f3a2-7c1e-7a41-8b3c-1f2e3d4c5b6a"
_BOOKING_ID = "0199f3a2-7c1e-7a40-9d55-40b0d4e2a1c6"
_TOKEN = "WyIwMTk5ZjNhMjdjMWU3YTQxOGIzYzFmMmUzZDRjNWI2YSIsMV0.dGhpcy1pcy1hbi1leGFtcGxl"
_STATES = [*map(str, Activation), "flagged", STRANDED]


class Strict(Schema):
    """Refuses what it does not know."""

    class Meta:
        unknown = RAISE


class ResubmissionForm(Strict):
    """Send a refused name again."""

    registry_email = fields.Email(
        required=True,
        validate=validate.Length(max=254),
        error_messages={
            "required": "Enter the e-mail address of the Scrum Alliance account.",
            "invalid": "Enter an e-mail address, like name@example.com.",
        },
    )
    reason = fields.String(
        required=True,
        validate=validate.Length(min=3, max=500, error="Say why in 3 to 500 characters."),
        error_messages={"required": "Say how you know the right address: it is kept with the submission."},
    )


class ResumptionForm(Strict):
    """Make a discarded request once more."""

    reason = fields.String(
        required=True,
        validate=validate.Length(min=3, max=500, error="Say why in 3 to 500 characters."),
        error_messages={"required": "Say what has been mended since: it is kept with the submission."},
    )


class ExamForm(Strict):
    """The exam was passed on that day."""

    passed_on = fields.Date(
        required=True,
        error_messages={"required": "Enter the day of the exam.", "invalid": "Enter a day, like 2026-03-27."},
    )


class ActivationsQuery(Strict):
    """What the list is narrowed to."""

    state = fields.String(
        validate=validate.OneOf(sorted(STATES)),
        metadata=shown("attention", "`started`: asked for at all; `attention`: flagged, refused or stranded"),
    )
    q = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata=shown("R-7K3Q-9F2M", "Name, address, booking reference, or any id"),
    )
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000), metadata=shown(1))


class LinkQuery(Strict):
    """The certificate link's token; staff need none."""

    token = fields.String(
        validate=validate.Length(max=512),
        metadata=shown(_TOKEN, "The certificate link's token, unless it is sent in a header"),
    )


class MissingOut(Answer):
    """One thing that stands in the way."""

    code = fields.String(metadata=shown("not_covered", "Stable name of the obstacle"))
    fact = fields.String(metadata=shown("The payment"))
    meaning = fields.String(metadata=shown("We have not received the payment yet."))
    who = fields.String(metadata=shown("The payer"))
    next_step = fields.String(metadata=shown("Pay with the link in the booking e-mail."))


class AssessmentOut(Answer):
    """The trainer's verdict."""

    eligible = fields.Boolean(metadata=shown(True))
    attended_minutes = fields.Integer(metadata=shown(840))
    required_minutes = fields.Integer(metadata=shown(840))
    participation = fields.Boolean(metadata=shown(True))
    understanding = fields.Boolean(metadata=shown(True))
    reasons = fields.List(fields.String(), metadata=shown([], "Codes of what was not met"))
    assessed_at = fields.AwareDateTime(format="iso", metadata=shown("2026-09-15T15:12:40+00:00"))


class CertificateOut(Answer):
    """Our record of the certification."""

    number = fields.String(metadata=shown("RC-2026-7K3Q9F"))
    issued_on = fields.Date(metadata=shown("2026-09-16"))
    expires_on = fields.Date(metadata=shown("2028-09-16"))
    standing = fields.String(validate=validate.OneOf(["valid", "expired", "held"]), metadata=shown("valid"))


class ProgressOut(Answer):
    """Where one enrollment is on its way to the certificate."""

    enrollment_id = fields.UUID(metadata=shown(_ENROLLMENT_ID))
    booking_id = fields.UUID(metadata=shown(_BOOKING_ID))
    course_code = fields.String(allow_none=True, metadata=shown("CSPO"))
    state = fields.String(validate=validate.OneOf(_STATES), metadata=shown("activated"))
    seat = fields.String(
        allow_none=True, validate=validate.OneOf([*map(str, Seat)]), metadata=shown("confirmed")
    )
    coverage = fields.String(
        allow_none=True, validate=validate.OneOf([*map(str, Coverage)]), metadata=shown("covered")
    )
    assessment = fields.Nested(AssessmentOut, allow_none=True)
    missing = fields.List(
        fields.Nested(MissingOut), metadata=shown([], "What stands in the way, and who can supply it")
    )
    requested_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-15T15:12:41+00:00")
    )
    submitted_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-15T15:12:42+00:00")
    )
    activated_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-16T07:30:00+00:00")
    )
    refusal = fields.String(allow_none=True, metadata=shown(None, "Why the registry refused the name"))
    exam_required = fields.Boolean(allow_none=True, metadata=shown(False))
    exam_passed_on = fields.Date(allow_none=True, metadata=shown(None))
    certificate = fields.Nested(CertificateOut, allow_none=True)


class ActivationOut(Answer):
    """One activation in the list: no personal data."""

    enrollment_id = fields.UUID(metadata=shown(_ENROLLMENT_ID))
    booking_id = fields.UUID(metadata=shown(_BOOKING_ID))
    booking_reference = fields.String(allow_none=True, metadata=shown("R-7K3Q-9F2M"))
    activation_id = fields.UUID(allow_none=True, metadata=shown("5c1d2e3f-4a5b-5c6d-8e7f-8091a2b3c4d5"))
    course_code = fields.String(allow_none=True, metadata=shown("CSPO"))
    state = fields.String(validate=validate.OneOf(_STATES), metadata=shown("activated"))
    submission_revision = fields.Integer(metadata=shown(1, "Grows with each correction"))
    requested_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-15T15:12:41+00:00")
    )
    submitted_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-15T15:12:42+00:00")
    )
    activated_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata=shown("2026-09-16T07:30:00+00:00")
    )
    refusal = fields.String(allow_none=True, metadata=shown(None))
    flag_reason = fields.String(allow_none=True, metadata=shown(None))


class ActivationsOut(Answer):
    """A page of activations."""

    items = fields.List(fields.Nested(ActivationOut))
    total = fields.Integer(metadata=shown(1, "On all pages"))
    page = fields.Integer(metadata=shown(1))
    pages = fields.Integer(metadata=shown(1))
