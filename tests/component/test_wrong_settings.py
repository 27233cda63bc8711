"""Wrong settings: everything that is wrong in one message, exit code 2, and no secret repeated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.embedded.plan import refuse_production
from services.__main__ import ROOTS, main
from services.payment.settings import Settings as PaymentSettings
from shared.config import KernelSettings, SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]

WRONG = {
    "PORT": "eighty",
    "LEASE_SECONDS": "0",
    "DATABASE_URL": "topsecret-no-address",
    "AMQP_URL": "http://user:topsecret@broker",
    "AMQP_MANAGEMENT_URL": "broker:15672",
    "EMBEDDED_DATABASES": "enrollment",
    "RETRY_SECONDS": "5,soon",
    "PUBLIC_URL": "rostrum",
    "STAFF_KEYS": "sandbox-staff-key",
    "LOG_FORMAT": "xml",
    "CLOCK_OFFSET_FILE": "/tmp/offset",
}
OWN = {
    "enrollment": {"HOLD_MINUTES": "0", "SMTP_URL": "mail:topsecret@host", "MAIL_FROM": "nobody"},
    "payment": {"STRIPE_API_KEY": "", "SESSION_MINUTES": "5", "STRIPE_API_BASE": "http://127.0.0.1:1"},
    "certification": {"SCRUM_ALLIANCE_URL": "http://sandbox", "ACTIVATION_POLL_SECONDS": "never"},
}


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python -m …` with nothing in its environment but this."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def complaints(run: subprocess.CompletedProcess[str]) -> set[str]:
    """The variables that the one message names."""
    assert run.returncode == 2, run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert "topsecret" not in run.stderr
    first, *lines = run.stderr.splitlines()
    assert first == "The settings are wrong:"
    return {line.split(":", 1)[0].strip() for line in lines}


@pytest.mark.parametrize("name", ["STAFF_KEYS", "LINK_KEYS"])
@pytest.mark.parametrize("keys", ["short", "x" * 31, f"{'x' * 32},short"])
def test_production_signs_with_nothing_that_can_be_guessed(name: str, keys: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(KernelSettings, {name: keys})
    assert refused.value.problems[name] == ["needs random keys of at least 32 characters each."]
    with pytest.raises(SettingsError) as others:
        load_settings(KernelSettings, {name: f"{'x' * 32}, {'y' * 40}"})
    assert name not in others.value.problems
    with pytest.raises(SettingsError) as sandbox:
        load_settings(KernelSettings, {name: keys, "ROSTRUM_MODE": "sandbox"})
    assert name not in sandbox.value.problems


@pytest.mark.parametrize("key", ["sk_test_51topsecret", "rk_test_51topsecret", " sk_test_51topsecret"])
def test_production_takes_no_key_with_which_test_cards_pay(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(PaymentSettings, {"STRIPE_API_KEY": key})
    (complaint,) = refused.value.problems["STRIPE_API_KEY"]
    assert "seats and memberships would be had for test cards" in complaint
    assert "topsecret" not in str(refused.value)
    for environ in (
        {"STRIPE_API_KEY": key, "ROSTRUM_MODE": "sandbox"},
        {"STRIPE_API_KEY": key.replace("_test_", "_live_")},
    ):
        with pytest.raises(SettingsError) as others:
            load_settings(PaymentSettings, environ)
        assert "STRIPE_API_KEY" not in others.value.problems


@pytest.mark.parametrize(
    ("service", "command"), [("enrollment", "web"), ("payment", "worker"), ("certification", "migrate")]
)
def test_a_service_names_everything_that_is_wrong(service: str, command: str) -> None:
    ended = run(f"services.{service}", command, **WRONG, **OWN[service])
    assert complaints(ended) == {*WRONG, *OWN[service], "LINK_KEYS"} | (
        {"STRIPE_WEBHOOK_SECRETS"} if service == "payment" else set()
    ) | ({"SCRUM_ALLIANCE_KEY"} if service == "certification" else set())


def test_the_embedded_site_names_what_is_wrong_with_all_three() -> None:
    own = {name: value for settings in OWN.values() for name, value in settings.items()}
    prefixed = {"PAYMENT__DATABASE_URL": "topsecret"}
    found = complaints(run("services", "worker", **WRONG, **own, **prefixed))
    assert found == {
        *WRONG, *own, *prefixed, "LINK_KEYS", "STRIPE_WEBHOOK_SECRETS", "SCRUM_ALLIANCE_KEY",
    }  # fmt: skip


def test_a_worker_without_any_bus_says_so(tmp_path: Path) -> None:
    ended = run(
        "services.payment", "worker", ROSTRUM_MODE="sandbox", DATABASE_URL=f"sqlite:///{tmp_path / 'p.db'}"
    )
    assert complaints(ended) == {"EMBEDDED_DATABASES"}
    assert "AMQP_URL" in ended.stderr


def test_production_refuses_what_the_sandbox_fills_in(tmp_path: Path) -> None:
    found = complaints(run("services.payment", "migrate", DATABASE_URL=f"sqlite:///{tmp_path / 'p.db'}"))
    assert found == {"PUBLIC_URL", "STAFF_KEYS", "LINK_KEYS", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS"}


def test_a_site_in_containers_is_checked_before_anything_of_it_starts() -> None:
    passwords = {"POSTGRES_PASSWORD": "sandbox-topsecret", "PAYMENT_APP_PASSWORD": "topsecret@home"}
    given = {"DATABASE_URL": "postgresql://postgres/rostrum", "STAFF_KEYS": "x" * 32, "LINK_KEYS": "x" * 32}
    found = complaints(run("services", "settings", **given, **passwords))
    assert found == {
        *passwords, "PUBLIC_URL", "MAIL_FROM", "SMTP_URL", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS",
        "SCRUM_ALLIANCE_URL", "SCRUM_ALLIANCE_KEY",
    }  # fmt: skip
    right = run("services", "settings", ROSTRUM_MODE="sandbox", POSTGRES_PASSWORD="sandbox", **given)
    assert (right.returncode, right.stdout) == (0, "the settings are right\n")


def test_the_broker_gets_no_user_with_a_sandbox_secret_in_production() -> None:
    urls = {f"{name.upper()}__AMQP_URL": f"amqp://{name}:long-and-random@rabbitmq/rostrum" for name in ROOTS}
    environment = {
        **urls,
        "TOPOLOGY__AMQP_URL": "amqp://topology:sandbox-topology@rabbitmq/rostrum",
        "AMQP_MANAGEMENT_URL": "http://rostrum-admin:sandbox-admin@127.0.0.1:1",
        "ROSTRUM_MODE": "production",
    }
    asked = CliRunner().invoke(main, ["topology", "users"], env=environment)
    assert asked.exit_code == 2
    assert "AMQP_MANAGEMENT_URL, TOPOLOGY__AMQP_URL: a sandbox secret, refused in production" in asked.output
    assert "sandbox-admin" not in asked.output


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize("mode", ["production", "prodction"])
def test_what_is_a_sandbox_is_not_started_where_production_is_meant(
    command: str, mode: str, tmp_path: Path
) -> None:
    database = tmp_path / "enrollment.db"
    ended = run(
        "services", command, ROSTRUM_MODE=mode, TMPDIR=str(tmp_path), DATABASE_URL=f"sqlite:///{database}"
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"ROSTRUM_MODE is {mode}, and this is a sandbox" in " ".join(ended.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_a_sandbox_that_is_called_one_is_started() -> None:
    for environ in ({}, {"ROSTRUM_MODE": ""}, {"ROSTRUM_MODE": "sandbox"}):
        refuse_production(environ)
