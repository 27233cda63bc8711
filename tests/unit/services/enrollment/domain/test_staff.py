"""Accounts, roles, and five attempts a minute."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.enrollment.domain.staff import (
    LOGIN_ATTEMPTS,
    LoginThrottle,
    Role,
    StaffMember,
    account_key,
    clean_roles,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def test_five_attempts_then_wait() -> None:
    throttle = LoginThrottle(account_key="x")
    for second in range(LOGIN_ATTEMPTS):
        assert throttle.admit(NOW + timedelta(seconds=second)).wait is None
    assert throttle.admit(NOW + timedelta(seconds=20)).wait == timedelta(seconds=40)
    # A refused attempt does not make the wait longer.
    assert throttle.admit(NOW + timedelta(seconds=59)).wait == timedelta(seconds=1)
    assert throttle.admit(NOW + timedelta(seconds=60)).wait is None
    assert throttle.admit(NOW + timedelta(seconds=60)).wait == timedelta(seconds=1)
    assert len(throttle.attempts) == LOGIN_ATTEMPTS


def test_only_the_attempt_that_was_right_is_taken_back() -> None:
    throttle = LoginThrottle(account_key="x")
    failures = [throttle.admit(NOW + timedelta(seconds=second)) for second in range(LOGIN_ATTEMPTS - 1)]
    right = throttle.admit(NOW + timedelta(seconds=10))
    throttle.take_back(right.attempted_at)
    throttle.take_back(right.attempted_at)
    assert throttle.attempts == tuple(failure.attempted_at.isoformat() for failure in failures)
    assert throttle.admit(NOW + timedelta(seconds=11)).wait is None
    assert throttle.admit(NOW + timedelta(seconds=12)).wait == timedelta(seconds=48)


def test_the_key_tells_nothing_and_ignores_case() -> None:
    assert account_key(" Ops@Example.com ") == account_key("ops@example.com")
    assert "ops" not in account_key("ops@example.com")


def test_roles_are_sorted_and_known() -> None:
    assert clean_roles(["ops", "trainer", "ops"]) == ("trainer", "ops")
    with pytest.raises(ValueError, match="boss"):
        clean_roles(["boss"])


@pytest.mark.parametrize(
    ("roles", "teaches", "closed", "may"),
    [
        ((Role.TRAINER,), ("CSPO",), False, True),
        ((Role.TRAINER,), ("CSM",), False, False),
        ((Role.FINANCE,), ("CSPO",), False, False),
        ((Role.TRAINER,), ("CSPO",), True, False),
    ],
)
def test_who_may_teach(roles: tuple[str, ...], teaches: tuple[str, ...], closed: bool, may: bool) -> None:
    member = StaffMember(
        staff_id=uuid4(),
        email="mira@example.com",
        name="Mira",
        password_hash="x",
        roles=roles,
        teaches=teaches,
        created_at=NOW,
        changed_at=NOW,
        closed_at=NOW if closed else None,
    )
    assert member.may_teach("CSPO") is may
