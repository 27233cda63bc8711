"""What `docker compose up --wait` brings up: healthy, small, without rights it does not need, behind one door."""

import json
import re
import subprocess
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest
import requests
from sqlalchemy import make_url

from shared.contracts.paths import OWN_PATHS
from shared.observability.trace import Line, began, read_lines, trace
from tests.support.compose import JOBS, Container, image_name, image_size
from tests.support.compose_site import RUNNING, WEBS, WORKERS, ComposeSite
from tests.support.stripe_sandbox import wait_until

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose"), pytest.mark.timeout(900)]

SECRET = "a-link-that-is-a-key"
LARGEST_IMAGE = 350_000_000


def inspect(container: Container) -> dict[str, object]:
    text = subprocess.run(
        ["docker", "inspect", container.id], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, object] = json.loads(text)[0]
    return found


def test_every_service_is_healthy_and_every_job_has_ended_well(site: ComposeSite) -> None:
    containers = {one.service: one for one in site.project.containers()}
    assert set(containers) == {*RUNNING, *JOBS}
    assert [name for name, one in containers.items() if not one.well] == []
    assert all(containers[name].health == "healthy" for name in RUNNING)


def test_our_containers_have_no_rights_they_do_not_need(site: ComposeSite) -> None:
    for container in site.project.containers():
        if container.service not in (*WEBS, *WORKERS, *JOBS, "sandboxes"):
            continue
        told = inspect(container)
        config, host = told["Config"], told["HostConfig"]
        assert isinstance(config, dict)
        assert isinstance(host, dict)
        assert (config["User"], host["ReadonlyRootfs"], host["CapDrop"]) == ("10001:10001", True, ["ALL"])
        assert config["Image"] == image_name()
        ran = subprocess.run(
            ["docker", "exec", container.id, "id", "-u"], capture_output=True, text=True, check=False
        )
        assert container.service in JOBS or ran.stdout.strip() == "10001"


def test_ports_are_published_on_this_machine_only(site: ComposeSite) -> None:
    published = set()
    for container in site.project.containers():
        network = inspect(container)["NetworkSettings"]
        assert isinstance(network, dict)
        for bindings in network["Ports"].values():
            published |= {(container.service, binding["HostIp"]) for binding in bindings or ()}
    assert published == {("nginx", "127.0.0.1"), ("sandboxes", "127.0.0.1"), ("postgres", "127.0.0.1")}


def test_the_image_is_small(site: ComposeSite) -> None:
    assert image_size(image_name()) <= LARGEST_IMAGE


def test_the_edge_logs_as_the_services_do(site: ComposeSite) -> None:
    """Two requests in a row, most often in one second: each is told from the edge to the service behind it."""
    asked = [requests.get(f"{site.plan.site_url}/workshops", timeout=30) for _ in range(2)]
    for answer in asked:
        _check_told(site, answer.headers["X-Correlation-ID"])


def _check_told(site: ComposeSite, wanted: str) -> None:
    # Docker has each container's line a moment later.
    wait_until(lambda: len(_told_of(site, wanted)) >= 2)
    lines = _told_of(site, wanted)
    assert [line["event"] for line in lines] == ["edge_request", "request"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0]["timestamp"])
    # Both began at nearly the same moment, so the edge's clock shows what the services' does.
    assert abs(began(lines[0]) - began(lines[1])) < timedelta(seconds=30)


def _told_of(site: ComposeSite, wanted: str) -> Sequence[Line]:
    """What the edge and enrollment have written of one request so far."""
    logs = [
        site.project.logs(container)
        for name in ("nginx", "enrollment-web")
        for container in site.project.containers(name)
    ]
    return trace(read_lines("\n".join(logs).splitlines()), wanted).lines


def test_nginx_leads_each_path_to_its_service(site: ComposeSite) -> None:
    """Read from nginx's own log: which container it asked."""
    wanted = {"/": "enrollment"}
    for service, prefixes in OWN_PATHS.items():
        for prefix in (*prefixes, f"/{service}"):
            wanted |= {prefix: service, f"{prefix}/x": service}
    # What only looks alike belongs to the service of the root.
    wanted |= {"/payments": "enrollment", "/verifying": "enrollment", "/webhooks/stripes": "enrollment"}
    (nginx,) = site.project.containers("nginx")
    addresses = {
        one.address: one.service.removesuffix("-web")
        for one in site.project.containers()
        if one.service in WEBS
    }
    found = {}
    for path in wanted:
        line = _logged(site, nginx, path)
        asked = re.search(r"(\d+\.\d+\.\d+\.\d+):8000", line)
        found[path] = addresses.get(asked.group(1), line) if asked else line
    assert found == wanted


def _logged(site: ComposeSite, nginx: Container, path: str) -> str:
    """What nginx writes of a request; Docker has it a moment later."""
    before = len(site.project.logs(nginx).splitlines())
    requests.get(f"{site.plan.site_url}{path}", allow_redirects=False, timeout=30)
    wait_until(lambda: len(site.project.logs(nginx).splitlines()) > before)
    return site.project.logs(nginx).splitlines()[before]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "//healthz", "/%68ealthz"])
def test_what_is_for_the_platform_does_not_pass_the_door(path: str, site: ComposeSite) -> None:
    answer = requests.get(f"{site.plan.site_url}{path}", allow_redirects=False, timeout=30)
    assert answer.status_code in (403, 404)


def test_the_visitors_address_and_scheme_are_nginxs_word(site: ComposeSite) -> None:
    """Without https no browser is told to insist on it, whatever somebody writes into a header."""
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "elsewhere.example"}
    answer = requests.get(f"{site.plan.site_url}/trainer", headers=forged, allow_redirects=False, timeout=30)
    assert "Strict-Transport-Security" not in answer.headers
    assert "elsewhere" not in answer.headers.get("Location", "")


def test_an_application_can_change_no_table(site: ComposeSite) -> None:
    base = make_url(site.plan.database("payment"))
    settings = site.project.environment
    app = base.set(username="payment_app", password=settings["PAYMENT_APP_PASSWORD"])
    with psycopg.connect(app.render_as_string(hide_password=False)) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE more (id int)")
    owner = base.set(username="payment_owner", password=settings["ENROLLMENT_OWNER_PASSWORD"])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(owner.render_as_string(hide_password=False))


def is_problem(answer: requests.Response, kind: str) -> bool:
    """Whether the edge says it as the services do."""
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Correlation-ID"] == problem["correlation_id"]
    assert requests.get(problem["type"], timeout=30).status_code in (200, 503)
    return bool(
        problem["type"].endswith(f"/docs/problems#{kind}") and problem["status"] == answer.status_code
    )


def test_what_is_too_large_for_the_edge_is_refused_in_the_form_that_was_asked_for(site: ComposeSite) -> None:
    body = b"x" * (3 * 1024 * 1024)
    program = requests.post(f"{site.plan.site_url}/enrollment/api/bookings", data=body, timeout=30)
    person = requests.post(f"{site.plan.site_url}/staff/login?q={SECRET}", data=body, timeout=30)
    assert (program.status_code, person.status_code) == (413, 413)
    assert is_problem(program, "too-large")
    assert "larger than we take" in person.text
    (nginx,) = site.project.containers("nginx")
    wait_until(lambda: program.headers["X-Correlation-ID"] in site.project.logs(nginx))
    assert SECRET not in site.project.logs(nginx)


def test_who_finds_nobody_behind_the_door_is_asked_for_a_moment(site: ComposeSite) -> None:
    (web,) = site.project.containers("certification-web")
    (nginx,) = site.project.containers("nginx")
    subprocess.run(["docker", "stop", web.id], check=True, capture_output=True)
    try:
        away = requests.get(f"{site.plan.site_url}/certificates/{SECRET}?q={SECRET}", timeout=30)
        others = requests.get(f"{site.plan.site_url}/workshops", timeout=30)
        program = requests.get(f"{site.plan.site_url}/certification/api/activations", timeout=30)
    finally:
        subprocess.run(["docker", "start", web.id], check=True, capture_output=True)
    assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
    assert "Nothing is lost" in away.text
    assert (program.status_code, program.headers["Retry-After"]) == (503, "5")
    assert is_problem(program, "unavailable")
    assert others.status_code == 200
    # Whoever reports the number that they were shown is found in the log; the links of people are not.
    wait_until(lambda: program.headers["X-Correlation-ID"] in site.project.logs(nginx))
    wait_until(lambda: others.headers["X-Correlation-ID"] in site.project.logs(nginx))
    assert SECRET not in site.project.logs(nginx)
