"""Signing in: counted first, judged outside any transaction, the same time for every wrong answer.

Counted first, because attempts at the same moment would all see room for one more; taken back when it was right.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from services.enrollment import handlers, queries
from services.enrollment.commands import AdmitLogin, ConfirmLogin
from services.enrollment.tasks.passwords import password_fits
from shared.auth.principal import Principal
from shared.db.transaction import Transactions
from shared.errors import AppError, Invalid

AT_ONCE = 2
"""Passwords judged at the same time in a process: each keeps a thread and a core busy, and buyers need both."""

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What somebody typed to sign in."""

    email: str
    password: str = field(repr=False)


class WrongCredentials(Invalid):
    """The address or the password is wrong; which one is not said."""

    def __init__(self) -> None:
        text = "The e-mail address or the password is wrong."
        super().__init__("wrong_credentials", text, fields={"email": [text]})


class TooManyAttempts(AppError):
    """Somebody tried this account too often within a minute."""

    status = 429
    title = "Too many attempts"

    def __init__(self, wait: timedelta) -> None:
        self.retry_after = max(1, math.ceil(wait.total_seconds()))
        super().__init__(
            "too_many_attempts",
            f"Too many attempts on this account. Try again in {self.retry_after} seconds.",
        )


class TooManyAtOnce(AppError):
    """Passwords are being judged already; whoever sends many at once must not keep everybody else waiting."""

    status = 429
    title = "Too many sign-ins at once"

    def __init__(self) -> None:
        self.retry_after = 1
        super().__init__("too_many_at_once", "Many people are signing in just now. Try again in a second.")


def sign_in(credentials: Credentials, transactions: Transactions) -> Principal:
    """Who signs in, with a new session id; raises `WrongCredentials`, `TooManyAttempts` or `TooManyAtOnce`."""
    with _place():
        return _judged(credentials, transactions)


@contextmanager
def _place() -> Iterator[None]:
    # Nobody waits for one: a thread that waits is no better than one that works.
    if not _places.acquire(blocking=False):
        raise TooManyAtOnce
    try:
        yield
    finally:
        _places.release()


def _judged(credentials: Credentials, transactions: Transactions) -> Principal:
    with transactions.begin() as tx:
        admission = handlers.admit_login(AdmitLogin(email=credentials.email), tx)
    if admission.wait is not None:
        raise TooManyAttempts(admission.wait)
    with transactions.read() as session:
        account = queries.account_by_email(session, credentials.email)
    fits = password_fits(credentials.password, account.password_hash if account else None)
    if not fits or account is None or not account.is_open:
        raise WrongCredentials
    with transactions.begin() as tx:
        command = ConfirmLogin(
            email=credentials.email,
            attempted_at=admission.attempted_at,
            staff_id=account.staff_id,
            changed_at=account.changed_at,
        )
        unchanged = handlers.confirm_login(command, tx)
    if not unchanged:
        raise WrongCredentials
    # As of the moment before the account was read: a change from then on refuses this session.
    return Principal.sign_in(
        staff_id=account.staff_id, name=account.name, roles=account.roles, issued_at=admission.attempted_at
    )
