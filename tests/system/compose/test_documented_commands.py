"""The commands for containers that the documents name, run as they are written, but for the name of Compose."""

import subprocess

import pytest

from tests.support.compose import ROOT, ComposeProject
from tests.support.compose_site import ComposeSite
from tests.system.documents.commands import documented

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose"), pytest.mark.timeout(900)]

# What brings the site up has a test of its own, with settings of its own.
COMMANDS = [
    command.text
    for command in documented()
    if command.text.startswith("deploy/compose.sh ") and command.text != "deploy/compose.sh up"
]
WORDS = {
    "deploy/compose.sh ps": "nginx",
    "deploy/compose.sh logs --tail 50 payment-worker": "payment",
    "deploy/compose.sh exec enrollment-worker python -m services.enrollment outbox": "0 waiting",
    "deploy/compose.sh roll enrollment-web": "is well again",
    "deploy/compose.sh run --rm broker-users": "broker's users are ready",
    "deploy/compose.sh run --rm topology": "are declared",
    "deploy/compose.sh run --rm topology python -m services topology return-unrouted": "nothing lies in",
    "deploy/compose.sh run --rm enrollment-migrate": "up to date",
}
"""What an answer must say; of the others the exit code and a site that is well tell."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_works(command: str, site: ComposeSite) -> None:
    site.wait_until_quiet(60)
    said = _typed(command, site.project.shell_beside)
    if command in WORDS:
        assert WORDS[command] in said
    site.project.wait_until_well()


def test_make_up_and_make_down(compose: str) -> None:
    """As README says it, beside any other site: only the name of the project and the ports are our own."""
    with ComposeProject(compose).prepared() as project:
        began = _make("up", project)
        assert began.returncode == 0, began.stdout + began.stderr
        assert [one.service for one in project.containers() if not one.well] == []
        ended = _make("down", project)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert project.containers() == []


def test_the_one_command_of_compose_v2(compose: str) -> None:
    if compose != "docker compose":
        pytest.skip("there is only docker-compose 1.29, which knows no --wait")
    with ComposeProject(compose).prepared() as project:
        _typed("docker compose up --wait", project.shell)
        assert [one.service for one in project.containers() if not one.well] == []


def _typed(command: str, shell: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _make(target: str, project: ComposeProject) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        env=project.shell,
        capture_output=True,
        text=True,
        check=False,
    )
