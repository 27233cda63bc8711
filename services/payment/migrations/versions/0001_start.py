"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime
from shared.db.kernel_migrations import create_kernel_tables_v1

revision = "0001"
down_revision = None

_LIVE = sa.text("state IN ('requested', 'open', 'processing')")


def upgrade() -> None:
    """Create the kernel's tables and payment's."""
    create_kernel_tables_v1()
    op.create_table(
        "booking_account",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("workshop_id", sa.Uuid(), nullable=True),
        sa.Column("workshop_title", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=True),
        sa.Column("payer_name", sa.Text(), nullable=True),
        sa.Column("payer_email", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("expired_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.Column("attention", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("booking_id", name="pk_booking_account"),
    )
    op.create_index("ix_booking_account_heard_at", "booking_account", ["heard_at"])
    op.create_index("ix_booking_account_reference", "booking_account", ["reference"])
    op.create_table(
        "enrollment_progress",
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_revision", sa.Integer(), nullable=False),
        sa.Column("eligible", sa.Boolean(), nullable=False),
        sa.Column("assessed_at", UtcDateTime(), nullable=True),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_enrollment_progress"),
    )
    op.create_index("ix_enrollment_progress_booking_id", "enrollment_progress", ["booking_id"])
    op.create_table(
        "event_cursor",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("read_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_event_cursor"),
    )
    op.create_table(
        "coverage",
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_coverage_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("enrollment_id", name="pk_coverage"),
    )
    op.create_index("ix_coverage_booking_id", "coverage", ["booking_id"])
    op.create_table(
        "payable",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="ck_payable_amount_not_negative"),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_payable_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("payable_id", name="pk_payable"),
    )
    op.create_index("ix_payable_booking_id", "payable", ["booking_id"])
    op.create_table(
        "checkout",
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stripe_session_id", sa.Text(), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_checkout_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["payable_id"],
            ["payable.payable_id"],
            name="fk_checkout_payable_id_payable",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("checkout_id", name="pk_checkout"),
        sa.UniqueConstraint("payable_id", "attempt", name="uq_checkout_payable_id"),
        sa.UniqueConstraint("stripe_session_id", name="uq_checkout_stripe_session_id"),
    )
    op.create_index("ix_checkout_booking_id", "checkout", ["booking_id"])
    op.create_index("ix_checkout_read_at", "checkout", ["read_at"])
    op.create_index(
        "uq_checkout_live_payable",
        "checkout",
        ["payable_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_table(
        "payable_seat",
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payable_id"], ["payable.payable_id"], name="fk_payable_seat_payable_id_payable"
        ),
        sa.PrimaryKeyConstraint("payable_id", "enrollment_id", name="pk_payable_seat"),
    )
    op.create_index("ix_payable_seat_enrollment_id", "payable_seat", ["enrollment_id"])
    op.create_table(
        "payment",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("stripe_charge_id", sa.Text(), nullable=True),
        sa.Column("stripe_session_id", sa.Text(), nullable=True),
        sa.Column("unseated_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("lost_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_payment_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["payable_id"],
            ["payable.payable_id"],
            name="fk_payment_payable_id_payable",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("payment_id", name="pk_payment"),
        sa.UniqueConstraint("stripe_payment_intent_id", name="uq_payment_stripe_payment_intent_id"),
    )
    op.create_index("ix_payment_booking_id", "payment", ["booking_id"])
    op.create_index("ix_payment_paid_at", "payment", ["paid_at"])
    op.create_index("ix_payment_payable_id", "payment", ["payable_id"])
    op.create_index("ix_payment_stripe_charge_id", "payment", ["stripe_charge_id"])
    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_dispute_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_dispute_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.payment_id"],
            name="fk_dispute_payment_id_payment",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("dispute_id", name="pk_dispute"),
        sa.UniqueConstraint("stripe_dispute_id", name="uq_dispute_stripe_dispute_id"),
    )
    op.create_index("ix_dispute_booking_id", "dispute", ["booking_id"])
    op.create_index("ix_dispute_payment_id", "dispute", ["payment_id"])
    op.create_table(
        "refund",
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_refund_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking_account.booking_id"],
            name="fk_refund_booking_id_booking_account",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.payment_id"],
            name="fk_refund_payment_id_payment",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("refund_id", name="pk_refund"),
        sa.UniqueConstraint("stripe_refund_id", name="uq_refund_stripe_refund_id"),
    )
    op.create_index("ix_refund_booking_id", "refund", ["booking_id"])
    op.create_index("ix_refund_payment_id", "refund", ["payment_id"])
