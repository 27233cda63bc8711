"""How the sandbox misbehaves on request, each way for the next N requests or until reset."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

SUBMIT, LOOK_UP, ANY = "submit", "look_up", "any"

SLOW = "slow"
SERVER_ERROR = "server_error"
TOO_MANY_REQUESTS = "too_many_requests"
UNKNOWN_EMAIL = "unknown_email"
TIMEOUT_AFTER_ACCEPTING = "timeout_after_accepting"
NO_DEDUPLICATION = "no_deduplication"
ACCEPT_LATE = "accept_late"
DRIP = "drip"

KINDS = {
    SLOW: "answers after some seconds",
    SERVER_ERROR: "answers 500 and does nothing",
    TOO_MANY_REQUESTS: "answers 429 with Retry-After and does nothing",
    UNKNOWN_EMAIL: "refuses the name: nobody has this e-mail address",
    TIMEOUT_AFTER_ACCEPTING: "accepts the name, then closes the connection without an answer",
    ACCEPT_LATE: "closes the connection without an answer, and accepts the name some seconds later",
    DRIP: "answers one byte at a time, for some seconds",
    NO_DEDUPLICATION: "accepts a repeated reference as another name",
}
# These happen where a name is accepted or refused; asking for them on another call would never do anything.
_SUBMIT_ONLY = frozenset({UNKNOWN_EMAIL, TIMEOUT_AFTER_ACCEPTING, ACCEPT_LATE, NO_DEDUPLICATION})
_ONE_SECOND = frozenset({SLOW, TOO_MANY_REQUESTS, ACCEPT_LATE, DRIP})


class WrongBehaviour(ValueError):
    """The request for a behaviour makes no sense; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One behaviour that is switched on. Without `times` until reset; `email` narrows it to one address."""

    kind: str
    on: str = SUBMIT
    times: int | None = None
    seconds: float = 0.0
    email: str | None = None


class Behaviours:
    """The rules in force. The latest request for a kind replaces the one before."""

    def __init__(self, *, auto_activate: bool) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, Rule] = {}
        self._auto_activate_at_start = auto_activate
        self.auto_activate = auto_activate

    def apply(self, wish: Mapping[str, Any]) -> None:
        """Follow one request, as JSON or as a form's fields."""
        known = {"behaviour", "on", "times", "seconds", "email", "auto_activate"}
        if unknown := sorted(set(wish) - known):
            raise WrongBehaviour(f"unknown: {', '.join(unknown)}")
        if "auto_activate" in wish:
            self.auto_activate = str(wish["auto_activate"]).lower() in ("true", "1", "on", "yes")
        if "behaviour" in wish:
            rule = _rule(wish)
            with self._lock:
                self._rules[rule.kind] = rule
        elif "auto_activate" not in wish:
            raise WrongBehaviour(f"name a behaviour: {', '.join(KINDS)}; or auto_activate")

    def take(self, kind: str, on: str, email: str | None = None) -> Rule | None:
        """The rule of this kind if it holds for this call, using up one of its times."""
        with self._lock:
            rule = self._rules.get(kind)
            if rule is None or rule.on not in (on, ANY) or rule.email not in (None, email):
                return None
            if rule.times is not None:
                if rule.times > 1:
                    self._rules[kind] = replace(rule, times=rule.times - 1)
                else:
                    del self._rules[kind]
            return rule

    def reset(self) -> None:
        """Behave again."""
        with self._lock:
            self._rules.clear()
        self.auto_activate = self._auto_activate_at_start

    def in_force(self) -> list[dict[str, Any]]:
        """The rules that still hold."""
        with self._lock:
            return [asdict(rule) for rule in self._rules.values()]


def _rule(wish: Mapping[str, Any]) -> Rule:
    kind, on = str(wish["behaviour"]), str(wish.get("on") or SUBMIT)
    if kind not in KINDS:
        raise WrongBehaviour(f"there is no behaviour {kind!r}; there are {', '.join(KINDS)}")
    if on not in (SUBMIT, LOOK_UP, ANY):
        raise WrongBehaviour(f"`on` is {SUBMIT}, {LOOK_UP} or {ANY}")
    if kind in _SUBMIT_ONLY and on != SUBMIT:
        raise WrongBehaviour(f"{kind} happens on {SUBMIT} only")
    default_seconds = 1.0 if kind in _ONE_SECOND else 0.0
    try:
        times = int(wish["times"]) if wish.get("times") not in (None, "") else None
        seconds = float(wish["seconds"]) if wish.get("seconds") not in (None, "") else default_seconds
    except (TypeError, ValueError):
        raise WrongBehaviour("`times` and `seconds` are numbers") from None
    if (times is not None and times < 1) or not 0 <= seconds <= 3600:
        raise WrongBehaviour("`times` is at least 1, `seconds` at most 3600")
    return Rule(kind=kind, on=on, times=times, seconds=seconds, email=wish.get("email") or None)
