"""Passwords: argon2id, slow on purpose, never inside a transaction."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from services.enrollment.domain.staff import MAX_PASSWORD, MIN_PASSWORD
from shared.errors import Invalid

# OWASP's setting for argon2id: 19 MiB and one lane, so that a burst of sign-ins takes neither the memory
# nor the cores from the buyers on the same machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """The hash to store; refuses a password that is too short to be one."""
    if len(password) < MIN_PASSWORD:
        text = f"Use at least {MIN_PASSWORD} characters; a few words are easy to remember."
        raise Invalid("weak_password", text, fields={"password": [text]})
    if len(password) > MAX_PASSWORD:
        text = f"Use at most {MAX_PASSWORD} characters."
        raise Invalid("weak_password", text, fields={"password": [text]})
    return _HASHER.hash(password)


def password_fits(password: str, stored_hash: str | None) -> bool:
    """Whether the password is the account's; takes as long when there is no account."""
    try:
        # Cut, because hashing a megabyte is a way to keep us busy.
        fits = _HASHER.verify(stored_hash or _nobodys_hash(), password[: MAX_PASSWORD + 1])
    except (Argon2Error, InvalidHashError):
        return False
    return fits and stored_hash is not None


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _HASHER.hash("an account that does not exist")
