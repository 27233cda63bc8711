"""The commands for containers that the documents name, run as they are written, but for the name of Compose."""

import subprocess

import pytest
import requests

from tests.factories.services import SERVICES
from tests.support.compose import ROOT, ComposeProject
from tests.support.compose_site import ComposeSite
from tests.support.stripe_sandbox import wait_until
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
    **{f"deploy/compose.sh run --rm {name}-migrate": "up to date" for name in SERVICES},
    "deploy/compose.sh logs | deploy/compose.sh exec enrollment-worker python -m services trace ID": "came to the edge",
    "deploy/compose.sh exec postgres psql --username postgres"
    " --command \"ALTER ROLE payment_app PASSWORD 'NEW_PASSWORD'\"": "ALTER ROLE",
}
"""What an answer must say; of the others the exit code and a site that is well tell."""
NEW_PASSWORD = {"payment_app": "PAYMENT_APP_PASSWORD", "rostrum-admin": "BROKER_ADMIN_PASSWORD"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_works(command: str, site: ComposeSite) -> None:
    site.wait_until_quiet(60)
    for whose, name in NEW_PASSWORD.items():
        # The one that is in the file already: the site has to go on with it.
        if whose in command:
            typed = command.replace("NEW_PASSWORD", site.project.environment[name])
            break
    else:
        typed = command.replace("trace ID", f"trace {_asked(site)}") if "trace ID" in command else command
    said = _typed(typed, site.project.shell_beside)
    if command in WORDS:
        assert WORDS[command] in said
    site.project.wait_until_well()


def _asked(site: ComposeSite) -> str:
    """The correlation id of a request, once the edge's line about it is written."""
    answer = requests.get(f"{site.plan.site_url}/workshops", timeout=30)
    wanted = answer.headers["X-Correlation-ID"]
    (nginx,) = site.project.containers("nginx")
    wait_until(lambda: wanted in site.project.logs(nginx))
    return wanted


def test_a_replaced_password_is_the_one_that_counts(site: ComposeSite) -> None:
    """Both ways round, so that the site is as it was."""
    shell, settings = site.project.shell_beside, site.project.environment
    admin = "deploy/compose.sh exec rabbitmq rabbitmqctl {} rostrum-admin {}"
    for password, others in (
        ("another1", settings["BROKER_ADMIN_PASSWORD"]),
        (settings["BROKER_ADMIN_PASSWORD"], "another1"),
    ):
        _typed(admin.format("change_password", password), shell)
        _typed(admin.format("authenticate_user", password), shell)
        with pytest.raises(AssertionError, match="failed to authenticate"):
            _typed(admin.format("authenticate_user", others), shell)


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


def test_rolling_leaves_alone_what_was_run_once(site: ComposeSite) -> None:
    """Restarted, a command that somebody ran by hand would run again."""
    project = site.project
    shell = project.shell_beside
    _typed("deploy/compose.sh run --name once-" + project.name + " enrollment-worker python -c 'pass'", shell)
    try:
        told = ["docker", "inspect", "--format", "{{.State.StartedAt}}", f"once-{project.name}"]
        before = subprocess.run(told, capture_output=True, text=True, check=True).stdout
        assert "is well again" in _typed("deploy/compose.sh roll enrollment-worker", shell)
        assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == before
    finally:
        subprocess.run(["docker", "rm", "--force", f"once-{project.name}"], check=True, capture_output=True)


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
