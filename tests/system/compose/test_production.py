"""Production in containers, as `.env.production.example` says: no stand-in, nobody's account, and a way to begin."""

import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.support.compose import JOBS, ROOT, ComposeProject, committed_settings
from tests.support.compose_site import RUNNING
from tests.support.demo_service import token_in
from tests.support.process import StartFailure

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose"), pytest.mark.timeout(900)]

SITE = "https://workshops.example.com"
EMAIL, PASSWORD = "ada@workshops.example.com", "a long and quiet password"


def filled_in() -> dict[str, str]:
    """The example with a value for everything that is empty."""
    given = committed_settings(".env.production.example")
    return {
        **{name: value or secrets.token_hex(32) for name, value in given.items()},
        "PUBLIC_URL": SITE,
        # Nobody answers there: the site has to come up, and to wait, all the same.
        "SCRUM_ALLIANCE_URL": "https://registry.invalid",
        "SMTP_URL": "smtp+starttls://us:word@mail.invalid",
        "MAIL_FROM": "Workshops <workshops@example.com>",
    }


class OuterProxy(HTTPAdapter):
    """Ends TLS in front of nginx, as whoever runs the site does."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        inner = request.copy()
        inner.url = str(request.url).replace(SITE, f"http://127.0.0.1:{self._port}")
        inner.headers["Host"] = inner.headers["X-Forwarded-Host"] = SITE.removeprefix("https://")
        inner.headers["X-Forwarded-For"] = "203.0.113.7"
        inner.headers["X-Forwarded-Proto"] = "https"
        answer = super().send(inner, *args, **more)
        answer.url, answer.request = str(request.url), request
        return answer


def bring_up(project: ComposeProject) -> subprocess.CompletedProcess[str]:
    """As the runbook says it."""
    return subprocess.run(
        ["deploy/compose.sh", "up"],
        cwd=ROOT,
        env=project.shell_beside,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def production(compose: str) -> Iterator[ComposeProject]:
    """The committed compose file, up, with the example's settings: `deploy/compose.sh up`, as the runbook says."""
    with ComposeProject(compose, settings=filled_in()).prepared() as project:
        up = bring_up(project)
        if up.returncode != 0:
            project.keep_logs()
        assert up.returncode == 0, up.stdout + up.stderr
        yield project


@pytest.fixture
def visitor(production: ComposeProject) -> requests.Session:
    """Somebody at the site's public address."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", OuterProxy(production.port("site")))
    return session


def sign_in(visitor: requests.Session, email: str, password: str) -> requests.Response:
    page = visitor.get(f"{SITE}/staff/login", timeout=30)
    form = {"csrf_token": token_in(page.text), "email": email, "password": password}
    return visitor.post(page.url, data=form, headers={"Origin": SITE}, timeout=30)


def test_wrong_settings_are_named_before_a_database_or_a_broker_begins(compose: str) -> None:
    wrong = {"POSTGRES_PASSWORD": "sandbox", "PAYMENT_BROKER_PASSWORD": "two words", "STRIPE_API_KEY": ""}
    with ComposeProject(compose, settings=filled_in() | wrong).prepared() as project:
        up = bring_up(project)
        assert up.returncode != 0
        for name in wrong:
            assert f"  {name}: " in up.stdout + up.stderr
        begun = {one.service for one in project.containers() if one.status != "created"}
        assert begun <= {"settings", "nginx"}


def test_everything_is_well_and_no_stand_in_is_there(production: ComposeProject) -> None:
    containers = {one.service: one for one in production.containers()}
    assert set(containers) == {*RUNNING, *JOBS} - {"sandboxes"}
    assert [name for name, one in containers.items() if not one.well] == []


def test_pages_answer_and_nothing_tells_of_a_sandbox(visitor: requests.Session) -> None:
    for path in (
        "/workshops",
        "/staff/login",
        "/payment/api/openapi.json",
        "/certification/api/openapi.json",
    ):
        page = visitor.get(f"{SITE}{path}", timeout=30)
        assert page.status_code == 200, path
        assert "sandbox" not in page.text.lower(), path
        assert "127.0.0.1" not in page.text, path
        assert page.headers["Strict-Transport-Security"]


def test_cookies_stay_with_this_host_and_with_tls(visitor: requests.Session) -> None:
    visitor.get(f"{SITE}/staff/login", timeout=30)
    assert visitor.cookies
    for cookie in visitor.cookies:
        assert cookie.name.startswith("__Host-")
        assert cookie.secure


def test_the_accounts_of_the_sandbox_are_nobody_here(visitor: requests.Session) -> None:
    for email in ("trainer@example.com", "ops@example.com", "admin@example.com"):
        answer = sign_in(visitor, email, "rostrum-sandbox")
        assert answer.status_code in (400, 401, 422), email
    assert not any("rostrum_staff" in cookie.name for cookie in visitor.cookies)


def test_example_data_is_refused(production: ComposeProject) -> None:
    with pytest.raises(StartFailure, match="sandbox"):
        production.compose("exec", "-T", "enrollment-web", "python", "-m", "services.enrollment", "seed")


def test_the_first_account_is_made_as_the_runbook_says(
    production: ComposeProject, visitor: requests.Session
) -> None:
    words = ["staff", "add", EMAIL, "--role", "admin", "--name", "Ada", "--password", PASSWORD]
    production.compose("exec", "-T", "enrollment-web", "python", "-m", "services.enrollment", *words)
    answer = sign_in(visitor, EMAIL, PASSWORD)
    assert answer.status_code == 200
    assert "Ada" in answer.text
