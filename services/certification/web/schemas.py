"""Shapes of requests and answers, strict."""

from marshmallow import RAISE, Schema, fields, validate

from services.certification.queries import STATES


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


class ExamForm(Strict):
    """The exam was passed on that day."""

    passed_on = fields.Date(
        required=True,
        error_messages={"required": "Enter the day of the exam.", "invalid": "Enter a day, like 2026-03-27."},
    )


class ActivationsQuery(Strict):
    """What the list is narrowed to."""

    state = fields.String(load_default=None, validate=validate.OneOf(sorted(STATES)))
    q = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "Name, address, booking reference, or any id"},
    )
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))


class LinkQuery(Strict):
    """The certificate link's token; staff need none."""

    token = fields.String(load_default=None, validate=validate.Length(max=512))


class MissingOut(Schema):
    """One thing that stands in the way."""

    code = fields.String()
    fact = fields.String()
    meaning = fields.String()
    who = fields.String()
    next_step = fields.String()


class AssessmentOut(Schema):
    """The trainer's verdict."""

    eligible = fields.Boolean()
    attended_minutes = fields.Integer()
    required_minutes = fields.Integer()
    participation = fields.Boolean()
    understanding = fields.Boolean()
    reasons = fields.List(fields.String())
    assessed_at = fields.AwareDateTime(format="iso")


class CertificateOut(Schema):
    """Our record of the certification."""

    number = fields.String()
    issued_on = fields.Date()
    expires_on = fields.Date()
    standing = fields.String(metadata={"description": "valid, expired or held"})


class ProgressOut(Schema):
    """Where one enrollment is on its way to the certificate."""

    enrollment_id = fields.UUID()
    booking_id = fields.UUID()
    course_code = fields.String(allow_none=True)
    state = fields.String(
        metadata={
            "description": "waiting, requested, withheld, sending, submitted, activated, refused or flagged"
        }
    )
    seat = fields.String(allow_none=True)
    coverage = fields.String(allow_none=True)
    assessment = fields.Nested(AssessmentOut, allow_none=True)
    missing = fields.List(fields.Nested(MissingOut))
    requested_at = fields.AwareDateTime(format="iso", allow_none=True)
    submitted_at = fields.AwareDateTime(format="iso", allow_none=True)
    activated_at = fields.AwareDateTime(format="iso", allow_none=True)
    refusal = fields.String(allow_none=True)
    exam_required = fields.Boolean(allow_none=True)
    exam_passed_on = fields.Date(allow_none=True)
    certificate = fields.Nested(CertificateOut, allow_none=True)


class ActivationOut(Schema):
    """One activation in the list: no personal data."""

    enrollment_id = fields.UUID()
    booking_id = fields.UUID()
    booking_reference = fields.String(allow_none=True)
    activation_id = fields.UUID(allow_none=True)
    course_code = fields.String(allow_none=True)
    state = fields.String()
    submission_revision = fields.Integer()
    requested_at = fields.AwareDateTime(format="iso", allow_none=True)
    submitted_at = fields.AwareDateTime(format="iso", allow_none=True)
    activated_at = fields.AwareDateTime(format="iso", allow_none=True)
    refusal = fields.String(allow_none=True)
    flag_reason = fields.String(allow_none=True)


class ActivationsOut(Schema):
    """A page of activations."""

    items = fields.List(fields.Nested(ActivationOut))
    total = fields.Integer()
    page = fields.Integer()
    pages = fields.Integer()
