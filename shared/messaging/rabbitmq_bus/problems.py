"""What is wrong with the broker, in sentences for logs and people."""

import re
from typing import Any

_REFUSED = re.compile(r"ConnectionClosedByBroker: \((403|530)\)")


def words(error: BaseException) -> str:
    """What an error says, without the wrappers pika puts around it."""
    if hasattr(error, "reply_text"):
        return f"{error.reply_text} ({getattr(error, 'reply_code', '?')})"
    several = getattr(error, "exceptions", None) or [getattr(error, "exception", None), *error.args]
    inner = [one for one in several if isinstance(one, BaseException)]
    if inner:
        return words(inner[-1])
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def refused_us(error: BaseException) -> bool:
    """Whether the broker itself said that we may not come in, so that only a person can mend it.

    pika guesses so whenever a connection ends early. A broker that is killed or not yet up ends them as well,
    and is back in a moment.
    """
    return _REFUSED.search(str(error)) is not None


def topology_problem(reason: Any) -> str:
    """Why the broker refused to declare, or to show, what the manifest asks for."""
    if reason.reply_code == 406:
        return (
            f"the broker already holds something of this name with other arguments: {reason.reply_text}. "
            "Arguments cannot be changed: empty and delete it, then run `python -m services topology apply`"
        )
    return (
        f"the topology is incomplete and this broker user may not declare it: {reason.reply_text}. "
        "Run `python -m services topology apply` as a user who may"
    )
