"""The roster: every accepted submission, and how often each reference was asked about.

Kept in SQLite, in memory or in a file: a submission that was accepted is still there after `kill -9`, as it
would be with the real registry. One connection behind one lock; every change is committed before anybody sees
the answer.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

EXAM_COURSES = frozenset({"CSM", "CSD"})
CERTIFICATIONS = {
    "CSM": "Certified ScrumMaster",
    "CSPO": "Certified Scrum Product Owner",
    "CSD": "Certified Scrum Developer",
    "A-CSM": "Advanced Certified ScrumMaster",
    "A-CSPO": "Advanced Certified Scrum Product Owner",
    "CSP-SM": "Certified Scrum Professional ScrumMaster",
    "CSP-PO": "Certified Scrum Professional Product Owner",
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, course_code TEXT NOT NULL,
    given_name TEXT NOT NULL, family_name TEXT NOT NULL, email TEXT NOT NULL, course_ended_on TEXT,
    token TEXT NOT NULL UNIQUE, submitted_at TEXT NOT NULL, activated_at TEXT, issued_on TEXT,
    letter TEXT NOT NULL DEFAULT 'waiting'
);
CREATE INDEX IF NOT EXISTS member_reference ON member (reference);
CREATE TABLE IF NOT EXISTS request (
    reference TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (reference, kind)
);
"""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A name as it was sent to us. `reference` is the sender's."""

    reference: str
    course_code: str
    given_name: str
    family_name: str
    email: str
    course_ended_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A submission that we accepted, and what became of it."""

    id: int
    reference: str
    course_code: str
    given_name: str
    family_name: str
    email: str
    course_ended_on: str | None
    token: str
    submitted_at: str
    activated_at: str | None
    issued_on: str | None
    letter: str

    @property
    def status(self) -> str:
        """`submitted`, then `activated`."""
        return "activated" if self.activated_at else "submitted"

    @property
    def name(self) -> str:
        """As it stands on the certificate."""
        return f"{self.given_name} {self.family_name}"

    @property
    def certification(self) -> str:
        """The course's name in words."""
        return CERTIFICATIONS.get(self.course_code, self.course_code)

    @property
    def needs_exam(self) -> bool:
        """Whether the certificate is issued only after a passed exam."""
        return self.course_code in EXAM_COURSES

    def has(self, submission: Submission) -> bool:
        """Whether the submission says the same as this member's."""
        ended = submission.course_ended_on and submission.course_ended_on.isoformat()
        return (self.course_code, self.given_name, self.family_name, self.email, self.course_ended_on) == (
            submission.course_code,
            submission.given_name,
            submission.family_name,
            submission.email,
            ended,
        )


class Roster:
    """The sandbox's memory."""

    def __init__(self, state_file: Path | None = None) -> None:
        self._lock = threading.RLock()
        if state_file is not None:
            state_file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(state_file or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def count_request(self, kind: str, reference: str) -> None:
        """Note a call, whatever comes of it."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO request VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                (reference, kind),
            )

    def accept(self, submission: Submission, now: datetime, *, deduplicate: bool) -> tuple[Member, bool]:
        """Put a name on the roster, and say whether it is new.

        Normally a reference makes one member, however often it is sent; without `deduplicate` each call does.
        """
        with self._transaction() as db:
            known = self.find(submission.reference)
            if known and deduplicate:
                return known[0], False
            ended = submission.course_ended_on
            cursor = db.execute(
                "INSERT INTO member (reference, course_code, given_name, family_name, email, course_ended_on,"
                " token, submitted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    submission.reference,
                    submission.course_code,
                    submission.given_name,
                    submission.family_name,
                    submission.email,
                    ended.isoformat() if ended else None,
                    secrets.token_urlsafe(24),
                    now.isoformat(),
                ),
            )
            return self._members("WHERE id = ?", cursor.lastrowid)[0], True

    def activate(self, member: Member, now: datetime) -> None:
        """The student accepted the licence; a repetition changes nothing."""
        issued_on = None if member.needs_exam else now.date().isoformat()
        with self._transaction() as db:
            db.execute(
                "UPDATE member SET activated_at = ?, issued_on = ? WHERE id = ? AND activated_at IS NULL",
                (now.isoformat(), issued_on, member.id),
            )

    def pass_exam(self, member: Member, now: datetime) -> None:
        """The certificate is issued on the day of the passed exam."""
        with self._transaction() as db:
            db.execute(
                "UPDATE member SET issued_on = ?"
                " WHERE id = ? AND activated_at IS NOT NULL AND issued_on IS NULL",
                (now.date().isoformat(), member.id),
            )

    def note_letter(self, member: Member, state: str) -> None:
        """`sent`, or `undeliverable`."""
        with self._transaction() as db:
            db.execute("UPDATE member SET letter = ? WHERE id = ?", (state, member.id))

    def find(self, reference: str) -> list[Member]:
        """Every accepted submission under a reference, the first one first."""
        return self._members("WHERE reference = ? ORDER BY id", reference)

    def by_token(self, token: str) -> Member | None:
        """Who reaches the activation page through this link."""
        return next(iter(self._members("WHERE token = ?", token)), None)

    def by_id(self, member_id: int) -> Member | None:
        """One member."""
        return next(iter(self._members("WHERE id = ?", member_id)), None)

    def newest(self, limit: int) -> list[Member]:
        """The latest submissions first."""
        return self._members("ORDER BY id DESC LIMIT ?", limit)

    def without_letter(self) -> list[Member]:
        """Whom no letter was sent yet."""
        return self._members("WHERE letter = 'waiting' ORDER BY id LIMIT 100")

    def counters(self) -> dict[str, Any]:
        """Requests and accepted submissions, in all and per reference."""
        with self._lock:
            requests = self._db.execute(
                "SELECT reference, kind, count FROM request ORDER BY rowid"
            ).fetchall()
            accepted = self._db.execute(
                "SELECT reference, count(*) FROM member GROUP BY reference"
            ).fetchall()
        references: dict[str, dict[str, int]] = {}
        totals = {"submissions": 0, "look_ups": 0, "accepted": 0}
        counted = [*requests, *((reference, "accepted", count) for reference, count in accepted)]
        for reference, kind, count in counted:
            totals[kind] += count
            references.setdefault(reference, dict.fromkeys(totals, 0))[kind] += count
        return {"requests": totals["submissions"] + totals["look_ups"], **totals, "references": references}

    def reset(self) -> None:
        """Forget everything."""
        with self._transaction() as db:
            db.execute("DELETE FROM member")
            db.execute("DELETE FROM request")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _members(self, where: str, *values: object) -> list[Member]:
        with self._lock:
            rows = self._db.execute(f"SELECT * FROM member {where}", values).fetchall()  # noqa: S608 — our own words
        return [Member(**dict(row)) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
