"""Courses, workshops, bookings, attendance, staff and letters, beside the kernel's tables."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime
from shared.db.kernel_migrations import create_kernel_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_kernel_tables_v1()
    op.create_table(
        "course",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("accreditor", sa.Text, nullable=False),
        sa.Column("accredited", sa.Boolean, nullable=False),
        sa.Column("min_contact_minutes", sa.Integer, nullable=False),
        sa.Column("exam_required", sa.Boolean, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("included", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_course"),
    )
    op.create_table(
        "letter",
        sa.Column("letter_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("booking_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("wanted_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("refused_at", UtcDateTime),
        sa.PrimaryKeyConstraint("letter_id", name="pk_letter"),
    )
    op.create_index("ix_letter_booking_id", "letter", ["booking_id"])
    op.create_table(
        "login_throttle",
        sa.Column("account_key", sa.Text, nullable=False),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.Column("last_attempt_at", UtcDateTime),
        sa.PrimaryKeyConstraint("account_key", name="pk_login_throttle"),
    )
    op.create_table(
        "staff_member",
        sa.Column("staff_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("teaches", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_member"),
        sa.UniqueConstraint("email", name="uq_staff_member_email"),
    )
    op.create_table(
        "workshop",
        sa.Column("workshop_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("course_code", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("join_link", sa.Text),
        sa.Column("venue", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("reserved", sa.Integer, nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("trainer_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("required_minutes", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("published_at", UtcDateTime),
        sa.Column("completed_at", UtcDateTime),
        sa.Column("completed_by", sa.Uuid(as_uuid=True)),
        sa.Column("cancelled_at", UtcDateTime),
        sa.PrimaryKeyConstraint("workshop_id", name="pk_workshop"),
        sa.ForeignKeyConstraint(["course_code"], ["course.code"], name="fk_workshop_course_code_course"),
        sa.ForeignKeyConstraint(
            ["trainer_id"], ["staff_member.staff_id"], name="fk_workshop_trainer_id_staff_member"
        ),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_workshop_price_not_negative")),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved <= capacity", name=op.f("ck_workshop_reserved_within_capacity")
        ),
    )
    op.create_index("ix_workshop_state", "workshop", ["state", "starts_at"])
    op.create_index("ix_workshop_trainer_id", "workshop", ["trainer_id"])
    op.create_table(
        "block",
        sa.Column("block_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("workshop_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("break_minutes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("block_id", name="pk_block"),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshop.workshop_id"], name="fk_block_workshop_id_workshop"
        ),
        sa.CheckConstraint("break_minutes >= 0", name=op.f("ck_block_break_minutes_not_negative")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_block_ends_after_start")),
    )
    op.create_index("ix_block_workshop_id", "block", ["workshop_id"])
    op.create_table(
        "booking",
        sa.Column("booking_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("submission_id", sa.Uuid(as_uuid=True)),
        sa.Column("workshop_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("payer_name", sa.Text, nullable=False),
        sa.Column("payer_email", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("seats", sa.Integer, nullable=False),
        sa.Column("seat_price_minor", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("link_version", sa.Integer, nullable=False),
        sa.Column("placed_at", UtcDateTime, nullable=False),
        sa.Column("pay_by", UtcDateTime, nullable=False),
        sa.Column("hold_ends_at", UtcDateTime, nullable=False),
        sa.Column("payment_id", sa.Uuid(as_uuid=True)),
        sa.Column("confirmed_at", UtcDateTime),
        sa.Column("expired_at", UtcDateTime),
        sa.Column("unseated_at", UtcDateTime),
        sa.Column("payment_problem", sa.Text),
        sa.Column("payment_problem_at", UtcDateTime),
        sa.PrimaryKeyConstraint("booking_id", name="pk_booking"),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshop.workshop_id"], name="fk_booking_workshop_id_workshop"
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_booking_amount_not_negative")),
        sa.CheckConstraint("seats > 0", name=op.f("ck_booking_seats_positive")),
        sa.UniqueConstraint("reference", name="uq_booking_reference"),
        sa.UniqueConstraint("submission_id", name="uq_booking_submission_id"),
    )
    op.create_index("ix_booking_hold", "booking", ["state", "hold_ends_at"])
    op.create_index("ix_booking_workshop_id", "booking", ["workshop_id"])
    op.create_table(
        "enrollment",
        sa.Column("enrollment_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("booking_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("workshop_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("seat", sa.Text, nullable=False),
        sa.Column("seat_revision", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("link_version", sa.Integer, nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("registry_email", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_enrollment"),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.booking_id"], name="fk_enrollment_booking_id_booking"
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshop.workshop_id"], name="fk_enrollment_workshop_id_workshop"
        ),
    )
    op.create_index("ix_enrollment_booking_id", "enrollment", ["booking_id"])
    op.create_index("ix_enrollment_workshop_id", "enrollment", ["workshop_id", "seat"])
    op.create_table(
        "assessment",
        sa.Column("enrollment_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("participation", sa.Boolean),
        sa.Column("participation_by", sa.Uuid(as_uuid=True)),
        sa.Column("participation_at", UtcDateTime),
        sa.Column("participation_note", sa.Text),
        sa.Column("understanding", sa.Boolean),
        sa.Column("understanding_by", sa.Uuid(as_uuid=True)),
        sa.Column("understanding_at", UtcDateTime),
        sa.Column("understanding_note", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("attended_minutes", sa.Integer),
        sa.Column("eligible", sa.Boolean),
        sa.Column("released_by", sa.Uuid(as_uuid=True)),
        sa.Column("released_at", UtcDateTime),
        sa.Column("correction_reason", sa.Text),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_assessment"),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.enrollment_id"], name="fk_assessment_enrollment_id_enrollment"
        ),
    )
    op.create_table(
        "attendance",
        sa.Column("enrollment_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("block_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("recorded_by", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("enrollment_id", "block_id", name="pk_attendance"),
        sa.ForeignKeyConstraint(["block_id"], ["block.block_id"], name="fk_attendance_block_id_block"),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.enrollment_id"], name="fk_attendance_enrollment_id_enrollment"
        ),
        sa.CheckConstraint("minutes >= 0", name=op.f("ck_attendance_minutes_not_negative")),
    )
    op.create_table(
        "progress",
        sa.Column("enrollment_id", sa.Uuid(as_uuid=True), nullable=False),
        sa.Column("coverage", sa.Text),
        sa.Column("coverage_revision", sa.Integer, nullable=False),
        sa.Column("coverage_cause", sa.Text),
        sa.Column("coverage_at", UtcDateTime),
        sa.Column("requested_at", UtcDateTime),
        sa.Column("submitted_at", UtcDateTime),
        sa.Column("activated_at", UtcDateTime),
        sa.Column("failed_at", UtcDateTime),
        sa.Column("failed_reason", sa.Text),
        sa.Column("held_at", UtcDateTime),
        sa.Column("held_reason", sa.Text),
        sa.Column("certificate_id", sa.Uuid(as_uuid=True)),
        sa.Column("issued_on", sa.Date),
        sa.Column("expires_on", sa.Date),
        sa.Column("certificate_at", UtcDateTime),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_progress"),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.enrollment_id"], name="fk_progress_enrollment_id_enrollment"
        ),
    )
