"""schemathesis against one service's WSGI app, as one kind of caller: what was asked, and what was wrong."""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import schemathesis
from flask import Flask
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    SchemathesisConfig,
    SimpleCheckConfig,
)
from schemathesis.engine import events, from_schema
from schemathesis.generation import GenerationMode

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Counting:
    """A WSGI app that counts what it answers. Its callers have a cookie, which the library's client cannot send."""

    inner: Wsgi
    cookie: str
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer and count."""

        def counted(status: str, *rest: Any) -> Any:
            self.statuses[environ["REQUEST_METHOD"], int(status[:3])] += 1
            return start_response(status, *rest)

        if self.cookie:
            environ["HTTP_COOKIE"] = self.cookie
        return self.inner(environ, counted)


@dataclass(frozen=True, kw_only=True)
class Found:
    """How many requests were sent, what came back, and what was wrong with it."""

    requests: int
    statuses: Counter[tuple[str, int]]
    failures: list[str]


class WellFormed:
    """What no schema says: ids that exist, a key for each request, names in one line, an account for each."""

    def __init__(self, known: Mapping[str, list[str]], chance: random.Random) -> None:
        self._known, self._chance = known, chance

    def improve(self, case: Any) -> None:
        """Make a well-formed request one that can succeed; half of them, where that is about ids."""
        for name in list(case.path_parameters or ()):
            if name in self._known and self._chance.random() < 0.5:
                case.path_parameters[name] = self._chance.choice(self._known[name])
        if case.headers and "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = str(uuid4())
        if isinstance(case.body, dict) and isinstance(case.body.get("attendees"), list):
            self._improve_booking(case.body)

    def _improve_booking(self, body: dict[str, Any]) -> None:
        if self._chance.random() < 0.7:
            body["workshop_id"] = self._chance.choice(self._known["workshop_id"])
        people = [body, *(each for each in body["attendees"] if isinstance(each, dict))]
        for person in people:
            for name in ("payer_name", "given_name", "family_name", "locale"):
                if isinstance(person.get(name), str):
                    person[name] = _in_one_line(person[name])
        for person in people[1:]:
            person["email"] = person["registry_email"] = f"{uuid4().hex}@example.com"
        body["payer_email"] = f"{uuid4().hex}@example.com"


def _in_one_line(name: str) -> str:
    kept = "".join("x" if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    # As long as it was: a schema has said how long it may be.
    return unicodedata.normalize("NFC", kept)[: len(name)]


def fuzz(
    app: Flask,
    *,
    headers: Mapping[str, str],
    cookie: str,
    known: Mapping[str, list[str]],
    examples: int,
    seed: int,
    steps: int = 6,
) -> Found:
    """Every phase: examples, boundaries, positive and negative data, and chains along the document's links.

    `known` are real ids and tokens: half of the well-formed requests are about something that is there.
    """
    counting = Counting(app.wsgi_app, cookie)
    config = SchemathesisConfig(seed=seed)
    project = config.projects.default
    project.update(headers=dict(headers))
    project.generation = GenerationConfig(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        max_examples=examples,
        no_shrink=True,
        with_security_parameters=False,
        database="none",
    )
    # Who may call what is tried by the matrix; here the cookie comes with every request.
    project.checks = ChecksConfig(ignored_auth=SimpleCheckConfig(enabled=False))
    project.phases.stateful.max_steps = steps
    schema = schemathesis.openapi.from_wsgi(f"/{app.name}/api/openapi.json", counting, config=config)
    wellformed = WellFormed(known, random.Random(seed))

    @schema.hook
    def map_case(_context: Any, case: Any) -> Any:
        if case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE:
            wellformed.improve(case)
        return case

    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            failures += _failures(event.recorder)
        elif isinstance(event, events.NonFatalError):
            failures.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            failures.append(f"{event.exception}")
    return Found(requests=counting.statuses.total(), statuses=counting.statuses, failures=failures)


def _failures(recorder: Any) -> list[str]:
    found = []
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                case = recorder.cases[case_id].value
                failure = check.failure_info.failure
                response = recorder.interactions[case_id].response
                said = response.text[:300] if response is not None else ""
                found.append(
                    f"{recorder.label}: {check.name}: {failure.title}: {failure.message[:300]}\n"
                    f"    {case.method} {case.formatted_path} {case.query} {case.headers} {case.body!r:.300}\n"
                    f"    {said}"
                )
    return found
