"""One way to sign, for cookies, links and form tokens: HMAC-SHA-256, a key list, a salt per purpose."""

import hashlib
from collections.abc import Sequence

from itsdangerous import URLSafeSerializer


def serializer(keys: Sequence[str], salt: str) -> URLSafeSerializer:
    """A serializer for `keys`, newest first: the newest signs, all verify.

    The salt keeps a token made for one purpose from being accepted for another.
    """
    if not keys:
        raise ValueError("at least one signing key is needed")
    # itsdangerous expects the oldest key first.
    return URLSafeSerializer(
        list(reversed(keys)),
        salt=salt,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
