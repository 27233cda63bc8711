"""The kernel's tables; joins, submissions, corrections, certificates; the first two courses."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime
from shared.db.kernel_migrations import create_kernel_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make everything."""
    create_kernel_tables_v1()
    op.create_table(
        "certificate",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("course_code", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_certificate"),
        sa.UniqueConstraint("enrollment_id", name="uq_certificate_enrollment_id"),
        sa.UniqueConstraint("number", name="uq_certificate_number"),
    )
    op.create_table(
        "closed_workshop",
        sa.Column("workshop_id", sa.Uuid(), nullable=False),
        sa.Column("completed_at", UtcDateTime, nullable=False),
        sa.Column("completed_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("workshop_id", name="pk_closed_workshop"),
    )
    op.create_table(
        "correction",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("registry_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("corrected_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_correction"),
        sa.UniqueConstraint("activation_id", "revision", name="uq_correction_activation_id"),
    )
    course = op.create_table(
        "course",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("exam_required", sa.Boolean(), nullable=False),
        sa.Column("exam_questions", sa.Integer(), nullable=True),
        sa.Column("exam_pass_mark", sa.Integer(), nullable=True),
        sa.Column("exam_window_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_course"),
    )
    op.create_table(
        "enrollment_join",
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("booking_reference", sa.Text(), nullable=True),
        sa.Column("workshop_id", sa.Uuid(), nullable=True),
        sa.Column("workshop_title", sa.Text(), nullable=True),
        sa.Column("course_code", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=True),
        sa.Column("seat", sa.Text(), nullable=True),
        sa.Column("seat_revision", sa.Integer(), nullable=False),
        sa.Column("seat_heard_at", UtcDateTime, nullable=True),
        sa.Column("given_name", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("registry_email", sa.Text(), nullable=True),
        sa.Column("coverage", sa.Text(), nullable=True),
        sa.Column("coverage_revision", sa.Integer(), nullable=False),
        sa.Column("coverage_at", UtcDateTime, nullable=True),
        sa.Column("eligible", sa.Boolean(), nullable=True),
        sa.Column("assessment_revision", sa.Integer(), nullable=False),
        sa.Column("attended_minutes", sa.Integer(), nullable=True),
        sa.Column("required_minutes", sa.Integer(), nullable=True),
        sa.Column("participation", sa.Boolean(), nullable=True),
        sa.Column("understanding", sa.Boolean(), nullable=True),
        sa.Column("assessment_reasons", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("assessed_at", UtcDateTime, nullable=True),
        sa.Column("activation", sa.Text(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=True),
        sa.Column("submission_revision", sa.Integer(), nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=True),
        sa.Column("submitted_at", UtcDateTime, nullable=True),
        sa.Column("activated_at", UtcDateTime, nullable=True),
        sa.Column("registry_issued_on", sa.Date(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("exam_passed_on", sa.Date(), nullable=True),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("flagged_at", UtcDateTime, nullable=True),
        sa.Column("flag_reason", sa.Text(), nullable=True),
        sa.Column("held_published_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_enrollment_join"),
    )
    op.create_index("ix_enrollment_join_activation", "enrollment_join", ["activation", "enrollment_id"])
    op.create_index("ix_enrollment_join_activation_id", "enrollment_join", ["activation_id"], unique=True)
    op.create_index("ix_enrollment_join_booking_id", "enrollment_join", ["booking_id"])
    op.create_table(
        "submission",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("course_code", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("registry_email", sa.Text(), nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", UtcDateTime, nullable=True),
        sa.Column("answered_at", UtcDateTime, nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("next_check_at", UtcDateTime, nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_submission"),
        sa.UniqueConstraint("activation_id", "revision", name="uq_submission_activation_id"),
    )
    op.create_index("ix_submission_enrollment_id", "submission", ["enrollment_id"])
    op.create_index(
        "ix_submission_next_check_at",
        "submission",
        ["next_check_at"],
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
    )

    # A copy of what the courses were when this was written: a migration never changes.
    op.bulk_insert(
        course,
        [
            {
                "code": "CSPO",
                "name": "Certified Scrum Product Owner",
                "exam_required": False,
                "exam_questions": None,
                "exam_pass_mark": None,
                "exam_window_days": None,
            },
            {
                "code": "CSM",
                "name": "Certified ScrumMaster",
                "exam_required": True,
                "exam_questions": 50,
                "exam_pass_mark": 37,
                "exam_window_days": 90,
            },
        ],
    )
