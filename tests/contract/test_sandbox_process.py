"""`python -m deploy.sandbox`: all stand-ins in one process, told what to do by its environment."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.sandboxes import ScrumAlliance

ROOT = Path(__file__).parents[2]
FREE = {
    "STRIPE_SANDBOX_PORT": "0",
    "SCRUM_ALLIANCE_SANDBOX_PORT": "0",
    "MAILBOX_PORT": "0",
    "SMTP_PORT": "0",
}


def start(**environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.sandbox"],
        cwd=ROOT,
        env={**os.environ, **FREE, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def sandboxes(**environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    process = start(**environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def test_all_answer_and_a_signal_ends_them_cleanly(tmp_path: Path) -> None:
    clock_file = tmp_path / "clock"
    clock_file.write_text(str(10 * 365 * 24 * 3600))
    with sandboxes(
        CLOCK_OFFSET_FILE=str(clock_file), SCRUM_ALLIANCE_API_KEY="sandbox-scrum-alliance-key"
    ) as (
        process,
        addresses,
    ):
        assert set(addresses) == {"stripe", "scrum_alliance", "mailbox", "smtp"}
        for name in ("stripe", "scrum_alliance", "mailbox"):
            assert urlsplit(addresses[name]).hostname == "127.0.0.1"
            assert requests.get(f"{addresses[name]}/healthz", timeout=5).text == "ok\n"
            page = requests.get(addresses[name], timeout=5)
            assert page.status_code == 200
            assert "Sandbox." in page.text
            style = requests.get(f"{addresses[name]}/_sandbox/static/sandbox.css", timeout=5)
            assert ".banner" in style.text
        member = ScrumAlliance(addresses["scrum_alliance"]).submit().json()
        assert int(member["submitted_at"][:4]) > 2030, "business time comes from the file"
        key = {"Authorization": "Bearer sk_test_sandbox"}
        assert requests.get(f"{addresses['stripe']}/v1/checkout/sessions", headers=key, timeout=5).ok
        letter = EmailMessage()
        letter["To"] = letter["From"] = "a@b.example"
        smtp = urlsplit(addresses["smtp"])
        with smtplib.SMTP(smtp.hostname or "", smtp.port or 0, timeout=5) as connection:
            connection.send_message(letter)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_what_was_accepted_survives_kill_9(tmp_path: Path) -> None:
    state = {"SANDBOX_STATE_DIR": str(tmp_path / "state")}
    with sandboxes(**state) as (process, addresses):
        registry = ScrumAlliance(addresses["scrum_alliance"])
        for number in range(5):
            assert registry.submit(reference=f"ref-{number}").status_code == 201
        requests.post(registry.activation_url("ref-3"), timeout=5)
        process.kill()
        process.wait()
    with sandboxes(**state) as (_, addresses):
        registry = ScrumAlliance(addresses["scrum_alliance"])
        assert registry.counters()["accepted"] == 5
        assert [registry.look_up(f"ref-{number}")[0]["status"] for number in (2, 3)] == [
            "submitted",
            "activated",
        ]
        assert registry.submit(reference="ref-4").status_code == 200


def test_all_wrong_settings_are_told_at_once() -> None:
    process = start(SMTP_PORT="many", MAILBOX_PORT="70000", STRIPE_WEBHOOK_URL="nowhere")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    for name in ("SMTP_PORT", "MAILBOX_PORT", "STRIPE_WEBHOOK_URL"):
        assert name in errors


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(MAILBOX_PORT=str(port))
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert str(port) in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("name", ["STRIPE_SANDBOX_URL", "SCRUM_ALLIANCE_SANDBOX_URL"])
def test_links_lead_to_the_public_address(name: str) -> None:
    with sandboxes(**{name: "http://sandboxes.localhost:9999"}) as (_, addresses):
        if name == "SCRUM_ALLIANCE_SANDBOX_URL":
            registry = ScrumAlliance(addresses["scrum_alliance"])
            registry.submit()
            assert registry.activation_url().startswith("http://sandboxes.localhost:9999/activate/")
        else:
            page = requests.get(addresses["stripe"], timeout=5)
            assert page.status_code == 200
