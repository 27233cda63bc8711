"""The commands for containers that the documents name, run as they are written, but for the name of Compose."""

import subprocess

import pytest

from tests.support.compose import ROOT, ComposeProject
from tests.support.compose_site import ComposeSite
from tests.system.documents.commands import documented

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose"), pytest.mark.timeout(900)]

# What brings the site up is run by `test_make_up`, with settings of its own.
COMMANDS = [
    command.text
    for command in documented()
    if command.text.startswith("docker compose ") and " up --wait" not in command.text
]
WORDS = {
    "docker compose ps": "nginx",
    "docker compose logs --tail 50 payment-worker": "payment",
    "docker compose exec enrollment-worker python -m services.enrollment outbox": "0 waiting",
    "docker compose run --rm broker-users": "broker's users are ready",
    "docker compose run --rm topology": "are declared",
    "docker compose run --rm enrollment-migrate": "up to date",
}
"""What an answer must say; of the others the exit code and a site that is well tell."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_works(command: str, site: ComposeSite) -> None:
    site.wait_until_quiet(60)
    words = command.removeprefix("docker compose ").split()
    if words[0] in ("exec", "run"):
        # There is no terminal here.
        words.insert(1, "-T")
    said = site.project.compose(*words)
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


def _make(target: str, project: ComposeProject) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        env=project.shell,
        capture_output=True,
        text=True,
        check=False,
    )
