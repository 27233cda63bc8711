"""What an operator may see of a message: everything but people."""

import json
from typing import Any

from shared.messaging.shape import PERSON
from shared.observability.redaction import MASK, mask_emails


def masked_payload(payload: str | None) -> str | None:
    """The body, indented, with every value inside `person` and everything like an e-mail address masked.

    A body that is not JSON is not shown: nobody could tell what in it is personal.
    """
    if payload is None:
        return None
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return json.dumps(_masked(document, inside=False), indent=2, ensure_ascii=False)


def _masked(value: Any, *, inside: bool) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, inside=inside or key == PERSON) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, inside=inside) for item in value]
    if inside:
        # Which values are there is worth knowing, what they are is not.
        return value if value is None or value == "" else MASK
    return mask_emails(value) if isinstance(value, str) else value
