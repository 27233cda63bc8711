"""No 5xx, no undocumented status, no answer that differs from its schema: asked by schemathesis, in process.

The WSGI apps of the real composition roots answer on SQLite; what only gunicorn or PostgreSQL refuse is not
tried here.
"""

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from flask import Response

from tests.component.authorization.table import ADMIN, ANONYMOUS, CALLERS, FINANCE, OPS
from tests.component.authorization.world import World
from tests.component.fuzzing.callers import asks

SHARES = {"enrollment": 10_000, "payment": 5_000, "certification": 5_000}
"""Requests of the long programme: 20,000 in all."""


@pytest.mark.parametrize(
    ("service", "caller"),
    [
        ("enrollment", ANONYMOUS),
        ("payment", FINANCE),
        ("certification", OPS),
    ],
)
def test_a_few_requests_find_nothing(world: World, service: str, caller: str) -> None:
    found = asks(world, service, caller, examples=3, seed=7, steps=2)
    assert found.failures == []
    assert found.requests > 50
    assert any(method == "GET" and status == 200 for method, status in found.statuses)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SHARES)
def test_many_requests_by_everybody_find_nothing(world: World, service: str) -> None:
    first, requests = random.randrange(2**31), 0
    failures: list[str] = []
    answered: Counter[tuple[str, int]] = Counter()
    for seed in itertools.count(first):
        examples = 25 if seed == first else 100
        for caller in CALLERS:
            found = asks(world, service, caller, examples=examples, seed=seed)
            requests += found.requests
            answered += found.statuses
            failures += [f"{caller}, seed {seed}, {examples} examples: {each}" for each in found.failures]
        if failures or requests >= SHARES[service]:
            break
    print(f"{service}: {requests} requests, seeds from {first}: {sorted(answered.items())}")
    assert failures == []
    assert requests >= SHARES[service]
    # Requests that are all refused would find nothing either.
    assert answered["GET", 200] > 100
    assert service != "enrollment" or answered["POST", 201] > 10


@pytest.mark.parametrize("fault", ["a failure", "an undocumented status", "a field too many"])
def test_a_planted_fault_is_found(world: World, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The negative control: each kind of fault is seen by the check that is there for it."""
    app = world.apps["certification"]
    endpoint = "activations_api.list_activations"

    def faulty(*_: Any, **__: Any) -> Response:
        answers = {
            "a failure": Response("{}", 500, mimetype="application/json"),
            "an undocumented status": Response("{}", 203, mimetype="application/json"),
            "a field too many": Response('{"surprise": 1}', 200, mimetype="application/json"),
        }
        return answers[fault]

    monkeypatch.setitem(app.view_functions, endpoint, faulty)
    found = asks(world, "certification", ADMIN, examples=2, seed=1, steps=1)
    wanted = {
        "a failure": "not_a_server_error",
        "an undocumented status": "status_code_conformance",
        "a field too many": "response_schema_conformance",
    }
    assert any(wanted[fault] in failure for failure in found.failures), found.failures
