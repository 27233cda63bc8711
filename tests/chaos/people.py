"""How people and browsers behave: they reload what does not come, and never blindly send a form twice.

A refused connection and a 503 say that nothing was done: both are tried again. An answer that was lost says
nothing: a page is reloaded; a request that its server recognises is sent again as it was; of anything else its sender
first looks what became of it.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from deploy.embedded.browser import Browser, Values
from tests.chaos.site import ChaosSite

_REQUEST_SECONDS = 40.0
_LONGEST_WAIT = 3.0
_NOT_DONE = (500, 502, 503, 504)


class GaveUp(Exception):
    """Somebody's patience is over; says with what."""


class AnswerLost(Exception):
    """A request that must not be sent again blindly was perhaps done and perhaps not."""


@dataclass
class Notes:
    """What all people together met, for the report."""

    answers: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, method: str, url: str, answer: requests.Response) -> None:
        """Count an answer; a 5xx other than 503 is nobody's order."""
        status = answer.status_code
        with self._lock:
            self.answers[f"{status}"] += 1
            if status >= 500 and status != 503:
                place = urlsplit(url).path[:30]
                self.strange.append(f"{method} {place} was answered with {status}: {answer.text[:200]}")

    def repeated(self, why: str) -> None:
        """Count a request that had to be sent again."""
        with self._lock:
            self.repeats[why] += 1


class Visitor(Browser):
    """One person's browser. `troubles` counts what had to be done again."""

    def __init__(self, site: ChaosSite, notes: Notes, patience: float) -> None:
        super().__init__()
        self._site = site
        self._notes = notes
        self._patience = patience
        self.troubles = 0

    def call(
        self, method: str, url: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """A program's request: sent again as it was until there is an answer; `headers` hold its key."""
        return self._insist(method, url, repeat_lost=True, json=json, headers=dict(headers or {}))

    def all_fields(self) -> set[str]:
        """The names of the fields of every form on the page."""
        return {name for form in self._page.forms for name in form.fields}

    def link_to(self, site: str) -> str:
        """The address of the first link that leads to a site."""
        for address, _ in self._page.links:
            if address.startswith(site):
                return address
        raise LookupError(f"no link to {site} on {self.url}")

    def _ask(self, method: str, url: str, data: Values | None) -> requests.Response:
        # The checkout's form carries an id by which it is recognised, so that it may be sent again as it is.
        again = method == "get" or urlsplit(url).path.endswith("/book")
        form: dict[str, Any] = {"data" if method == "post" else "params": data}
        return self._insist(method, url, repeat_lost=again, **form)

    def _insist(self, method: str, url: str, *, repeat_lost: bool, **request: Any) -> requests.Response:
        deadline = time.monotonic() + self._patience
        pause = 0.1
        while True:
            address = self._site.address(url)
            try:
                answer = self._session.request(
                    method, address, timeout=_REQUEST_SECONDS, allow_redirects=False, **request
                )
            except requests.RequestException as error:
                problem = "refused" if _was_refused(error) else "lost"
                if problem == "lost" and not repeat_lost:
                    self._trouble(problem)
                    raise AnswerLost(url) from error
            else:
                self._notes.answered(method, url, answer)
                if answer.status_code not in _NOT_DONE and not _is_in_work(answer):
                    return answer
                problem = str(answer.status_code)
            if time.monotonic() > deadline:
                raise GaveUp(f"{method} {urlsplit(url).path[:40]}: {problem} for {self._patience:.0f} s")
            self._trouble(problem)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT)

    def _trouble(self, problem: str) -> None:
        self.troubles += 1
        self._notes.repeated(problem)


def _is_in_work(answer: requests.Response) -> bool:
    """Whether the first request with this key has not been answered yet."""
    return answer.status_code == 409 and "idempotency_key_in_use" in answer.text


def _was_refused(error: requests.RequestException) -> bool:
    """Whether nobody took the request: no connection was made, so nothing can have been done."""
    return isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
