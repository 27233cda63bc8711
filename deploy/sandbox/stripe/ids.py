"""Ids that look like Stripe's: a prefix for the kind and letters that cannot be guessed."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """A new id, such as `evt_…`."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(length))
