"""The commands of the documents that need real servers, run in a fresh clone as they are written."""

import secrets
import time

import pytest
import requests

from shared.messaging.bus import Manifest
from shared.messaging.rabbitmq_bus import apply_topology
from tests.factories.services import SERVICES
from tests.support.postgres import Postgres
from tests.support.stranger import say
from tests.system.documents.checkout import Checkout, free_neighbours
from tests.system.documents.commands import typed
from tests.system.documents.registry import runs


@runs("python -m services topology apply")
def test_the_topology_is_declared(checkout: Checkout, amqp_url: str, command: str) -> None:
    assert "declared" in checkout.run(typed(command), {"AMQP_URL": amqp_url})


@runs("python -m services topology return-unrouted")
def test_what_nobody_wanted_is_returned(checkout: Checkout, amqp_url: str, command: str) -> None:
    # As if payment's queue had not been bound yet.
    apply_topology(amqp_url, Manifest())
    say(
        amqp_url,
        [("booking.placed.v1", b"{}", {"type": "booking.placed.v1"}), ("party.planned.v1", b"{}", {})],
    )
    told = checkout.run(typed(command), {"AMQP_URL": amqp_url})
    assert "1 returned to its reader, 1 is still wanted by nobody: party.planned.v1" in told


@pytest.mark.long
@runs("python -m services.<name> migrate")
def test_production_names_what_is_missing_and_starts_with_it(
    checkout: Checkout, amqp_url: str, command: str
) -> None:
    database = {"DATABASE_URL": f"sqlite:///{checkout.folder / 'production.db'}"}
    migrate = typed(command.replace("<name>", "certification"))
    refused = checkout.run(f"! {migrate}", database)
    for name in ("LINK_KEYS", "STAFF_KEYS", "PUBLIC_URL", "SCRUM_ALLIANCE_URL", "SCRUM_ALLIANCE_KEY"):
        assert f"{name}: is required" in refused, refused
    first = free_neighbours()
    environment = {
        **database,
        "AMQP_URL": amqp_url,
        "LINK_KEYS": secrets.token_urlsafe(32),
        "STAFF_KEYS": secrets.token_urlsafe(32),
        "PUBLIC_URL": "https://rostrum.example",
        # Nothing is submitted, so nobody is called.
        "SCRUM_ALLIANCE_URL": "https://registry.example.invalid",
        "SCRUM_ALLIANCE_KEY": secrets.token_urlsafe(16),
        "PORT": str(first),
        "WORKER_PORT": str(first + 1),
    }
    assert "up to date" in checkout.run(migrate, environment)
    web, worker = (migrate.replace("migrate", role) for role in ("web", "worker"))
    with checkout.running(web, environment) as serving, checkout.running(worker, environment) as working:
        for port in (first, first + 1):
            wait_until_ready(f"http://127.0.0.1:{port}/readyz")
        assert serving.terminate() == 0, serving.printed
        assert working.terminate() == 0, working.printed


@pytest.mark.long
@runs("AMQP_URL=amqp://… DATABASE_URL='postgresql://…/rostrum_{service}' .venv/bin/python -m services up")
def test_the_whole_site_runs_on_two_servers(
    checkout: Checkout, amqp_url: str, postgres: Postgres, command: str
) -> None:
    prefix, first = f"documents_{secrets.token_hex(4)}", free_neighbours()
    names = [postgres.create_database(f"{prefix}_{service}") for service in SERVICES]
    database = postgres.url(f"{prefix}_SERVICE").replace("SERVICE", "{service}")
    command = command.replace("amqp://…", amqp_url).replace("postgresql://…/rostrum_{service}", database)
    try:
        with checkout.running(f"{command} --port {first} --folder var-of-two-servers") as site:
            site.wait_for("Ctrl-C ends it")
            assert requests.get(f"http://127.0.0.1:{first}/workshops", timeout=10).ok
            assert site.press_ctrl_c() == 0
            assert "Traceback" not in site.printed
    finally:
        for name in names:
            postgres.drop_database(name)


def wait_until_ready(url: str, seconds: float = 60) -> None:
    """Until it answers that it has everything it needs."""
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            answer = requests.get(url, timeout=5)
            if answer.ok:
                return
            last = answer.text
        except requests.RequestException as error:
            last = str(error)
        time.sleep(0.1)
    raise AssertionError(f"{url} is not ready: {last}")
