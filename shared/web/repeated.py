"""Forms with groups that can be added and removed, `guests-0-email`, without JavaScript.

What was typed travels in the form itself: each step counts, adds or takes away groups and shows it again.
"""

import re
from collections.abc import Mapping

_NAME = re.compile(r"(?P<group>[A-Za-z_]\w*)-(?P<index>\d{1,3})-(?P<rest>.+)")


def count_groups(typed: Mapping[str, str], group: str, most: int) -> int:
    """How many groups were sent; never more than `most`, whatever the names claim."""
    indexes = (int(match["index"]) for name in typed if (match := _match(name, group)))
    return min(max(indexes, default=-1) + 1, most)


def without_group(typed: Mapping[str, str], group: str, gone: int) -> dict[str, str]:
    """The form without one of its groups; those behind it move up."""
    kept = {}
    for name, value in typed.items():
        match = _match(name, group)
        index = int(match["index"]) if match else -1
        if match and index == gone:
            continue
        kept[f"{group}-{index - 1}-{match['rest']}" if match and index > gone else name] = value
    return kept


def index_of(step: str, verb: str) -> int | None:
    """Which group a button such as `remove-2` is about; None for other buttons."""
    match = re.fullmatch(rf"{re.escape(verb)}-(\d{{1,3}})", step)
    return int(match[1]) if match else None


def summarised(errors: Mapping[str, list[str]], group: str, word: str) -> dict[str, list[str]]:
    """Errors for the summary above the form: each sentence says which group it is about."""
    named = {}
    for name, texts in errors.items():
        match = _match(name, group)
        which = f"{word} {int(match['index']) + 1}: " if match else ""
        named[name] = [f"{which}{text}" for text in texts]
    return named


def _match(name: str, group: str) -> re.Match[str] | None:
    match = _NAME.fullmatch(name)
    return match if match and match["group"] == group else None
