"""The tables every service's database has: what was said, what was heard, who may not come in, what was asked
for twice.

Column names of the outbox are Debezium's, so that change data capture can replace the relay without a
migration. Names of states: `received → handled | failed → … | dead | discarded`.
"""

from sqlalchemy import (
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.db.base import Sequence64, UtcDateTime, new_metadata

KERNEL_METADATA = new_metadata()

outbox = Table(
    "outbox",
    KERNEL_METADATA,
    Column("seq", Sequence64, Identity(), primary_key=True),
    Column("id", Uuid(as_uuid=True), nullable=False, unique=True),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Text, nullable=False),
    Column("aggregate_version", Integer),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    # The same body without personal data, put in the payload's place when the row is marked published.
    Column("redacted", Text),
    Column("headers", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Index(
        "ix_outbox_unpublished",
        "seq",
        postgresql_where=text("published_at IS NULL"),
        sqlite_where=text("published_at IS NULL"),
    ),
)

WAITING = text("state IN ('received', 'failed')")
"""The condition of the index below, and of queries it is to answer: with parameters for the states neither database
would see that it does, and each claim would read the whole inbox."""

inbox = Table(
    "inbox",
    KERNEL_METADATA,
    Column("consumer", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text),
    # The bytes of a body that could not be read.
    Column("raw", LargeBinary),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # How often the process vanished while it worked on this message.
    Column("interruptions", Integer, nullable=False, server_default="0"),
    Column("lease_token", Text),
    Column("lease_until", UtcDateTime),
    Column("next_attempt_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    Column("first_failed_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("error_kind", Text),
    Column("error", Text),
    Column("fingerprint", Text),
    Column("correlation_id", Text),
    # Of a discard or a retry by hand: who, and why.
    Column("actor", Text),
    Column("note", Text),
    PrimaryKeyConstraint("consumer", "message_id"),
    Index("ix_inbox_waiting", "next_attempt_at", postgresql_where=WAITING, sqlite_where=WAITING),
    Index(
        "ix_inbox_dead",
        "failed_at",
        postgresql_where=text("state = 'dead'"),
        sqlite_where=text("state = 'dead'"),
    ),
)

message_reference = Table(
    "message_reference",
    KERNEL_METADATA,
    Column("message_id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    PrimaryKeyConstraint("message_id", "reference"),
    Index("ix_message_reference_reference", "reference"),
)

group_action = Table(
    "group_action",
    KERNEL_METADATA,
    Column("action_id", Uuid(as_uuid=True), primary_key=True),
    # `retry` or `discard`, of all failed messages with this type and fingerprint.
    Column("action", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("error", Text),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("asked_at", UtcDateTime, nullable=False),
    # Left alone: somebody worked on them at that moment, or nobody can read them.
    Column("left_in_work", Integer, nullable=False, server_default="0"),
    Column("left_unreadable", Integer, nullable=False, server_default="0"),
    Index("ix_group_action_group", "type", "fingerprint"),
)

group_action_message = Table(
    "group_action_message",
    KERNEL_METADATA,
    Column("action_id", Uuid(as_uuid=True), nullable=False),
    Column("consumer", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    PrimaryKeyConstraint("action_id", "consumer", "message_id"),
)

depth_sample = Table(
    "depth_sample",
    KERNEL_METADATA,
    # Seconds that one row stands for, and the moment at which they begin.
    Column("resolution", Integer, nullable=False),
    Column("begins_at", UtcDateTime, nullable=False),
    Column("sampled_at", UtcDateTime, nullable=False),
    Column("worker_started_at", UtcDateTime, nullable=False),
    # The largest of each within the row's time.
    Column("outbox_size", Integer, nullable=False),
    Column("outbox_age_seconds", Integer, nullable=False),
    Column("inbox_received", Integer, nullable=False),
    Column("inbox_failed", Integer, nullable=False),
    Column("inbox_dead", Integer, nullable=False),
    # Queue → messages as JSON; null where nobody could tell.
    Column("queues", Text),
    PrimaryKeyConstraint("resolution", "begins_at"),
)

staff_refusal = Table(
    "staff_refusal",
    KERNEL_METADATA,
    # `session:<id>` for one session, `staff:<id>` for every cookie issued before `refused_before`.
    Column("subject", Text, primary_key=True),
    Column("refused_before", UtcDateTime),
    Column("recorded_at", UtcDateTime, nullable=False),
)

idempotency_key = Table(
    "idempotency_key",
    KERNEL_METADATA,
    # A digest of route, caller and key: what callers choose as their keys is not kept.
    Column("id", Text, primary_key=True),
    # Of what was asked for: made with our own keys, so that nobody can try who it was about.
    Column("fingerprint", Text, nullable=False),
    # `done`: the answer is rebuilt from what is kept here. `refused`: the problem, as it was.
    Column("outcome", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_idempotency_key_created_at", "created_at"),
)
