"""Who runs each command that the documents tell people to type. What nobody runs breaks the build."""

from collections.abc import Mapping

import pytest

_RUN_HERE: dict[str, str] = {}

CI_SCRIPT = ".ci/run"
BY_CI: Mapping[str, str] = {
    "make demo": "make demo",
    "make test": "make test",
    "make check": "make check",
    "make test-deps": "make test-deps",
}
"""Command → the words in CI's own script that run it: running it here would be CI inside CI."""

_IN_CONTAINERS = "tests/system/compose/test_documented_commands.py"
BY_OTHER_TESTS: Mapping[str, tuple[str, str]] = {
    "make up": (_IN_CONTAINERS, '_make("up", project)'),
    "make down": (_IN_CONTAINERS, '_make("down", project)'),
    # Where there is only docker-compose 1.29, that test is skipped and the summary says so.
    "docker compose up --wait": (_IN_CONTAINERS, "docker compose up --wait"),
    "deploy/compose.sh up": ("tests/system/compose/test_production.py", '"deploy/compose.sh", "up"'),
    **dict.fromkeys(
        (
            "deploy/compose.sh ps",
            "deploy/compose.sh logs --tail 50 payment-worker",
            "deploy/compose.sh exec payment-worker python -m services.payment dead-letters list",
            "deploy/compose.sh exec enrollment-worker python -m services.enrollment outbox",
            "deploy/compose.sh up --detach --no-deps --no-recreate --scale enrollment-web=2 enrollment-web",
            "deploy/compose.sh roll enrollment-web",
            "deploy/compose.sh roll enrollment-worker",
            "deploy/compose.sh build",
            "deploy/compose.sh run --rm enrollment-migrate",
            "deploy/compose.sh run --rm payment-migrate",
            "deploy/compose.sh run --rm certification-migrate",
            "deploy/compose.sh up --detach",
            "deploy/compose.sh run --rm broker-users",
            "deploy/compose.sh run --rm topology",
            "deploy/compose.sh exec rabbitmq rabbitmqctl change_password rostrum-admin NEW_PASSWORD",
            "deploy/compose.sh exec postgres psql --username postgres"
            " --command \"ALTER ROLE payment_app PASSWORD 'NEW_PASSWORD'\"",
            "deploy/compose.sh run --rm topology python -m services topology return-unrouted",
            "deploy/compose.sh logs | deploy/compose.sh exec enrollment-worker python -m services trace ID",
        ),
        (_IN_CONTAINERS, "for command in documented()"),
    ),
}
"""Command → the file of a test that runs it, and words in that file that show it."""

PATTERNS: Mapping[str, str] = {
    "python -m services.<service> …": "the shape of the commands below it, each of which is run",
    "python": "the program itself, of which is said where it is",
    ".venv/bin/python": "where it is",
}
"""What looks like a command and is none, and why."""


def runs(*commands: str) -> pytest.MarkDecorator:
    """The test runs these commands, as they are written; it gets each as `command`."""
    for command in commands:
        _RUN_HERE[command] = "a test here"
    return pytest.mark.parametrize("command", commands)


def run_here() -> frozenset[str]:
    """What the tests of this folder run."""
    return frozenset(_RUN_HERE)
