"""The compose file, its settings and nginx, read without Docker: words both Composes know, paths, and secrets."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.certification.settings import Settings as CertificationSettings
from services.enrollment.settings import Settings as EnrollmentSettings
from services.payment.settings import Settings as PaymentSettings
from shared.config import METRICS_FOLDER, KernelSettings, SettingsError, load_settings
from shared.contracts.paths import OWN_PATHS, service_of

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SETTINGS: Mapping[str, type[KernelSettings]] = {
    "enrollment": EnrollmentSettings,
    "payment": PaymentSettings,
    "certification": CertificationSettings,
}
# What docker-compose 1.29 refuses or `docker compose` v2 warns about.
OTHER_VERSIONS = {
    "name",
    "version",
    "include",
    "develop",
    "start_interval",
    "required",
    "attach",
    "annotations",
}


def parsed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def variables(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(value: Any, settings: Mapping[str, str]) -> str:
    """A value of the compose file with the variables of an `.env` put in."""
    return re.sub(
        r"\$\{(\w+)(?::?[-?]([^}]*))?\}",
        lambda m: settings.get(m[1]) or ("" if m[2] is None else m[2]),
        str(value),
    )


def environment(service: str, settings: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, Any] = parsed()["services"][service]["environment"]
    return {name: filled(value, settings) for name, value in given.items()}


def words(tree: object) -> set[str]:
    """Every key of the file, at any depth but below `environment`."""
    if isinstance(tree, dict):
        inner = [
            words(value)
            for key, value in tree.items()
            if key != "environment" and not str(key).startswith("x-")
        ]
        return {str(key) for key in tree}.union(*inner)
    return set().union(*(words(each) for each in tree)) if isinstance(tree, list) else set()


def is_job(service: Mapping[str, Any]) -> bool:
    return "restart" not in service


def test_both_versions_of_compose_know_every_word() -> None:
    services = parsed()["services"].values()
    assert set().union(*(words(service) for service in services)) & OTHER_VERSIONS == set()
    assert {key for key in parsed() if not key.startswith("x-")} == {"services", "volumes"}


def test_every_job_is_waited_for() -> None:
    """Else `--wait` takes its end for a failure."""
    services = parsed()["services"]
    awaited = {
        name
        for service in services.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert {name for name, service in services.items() if is_job(service)} == awaited


def test_whatever_keeps_running_says_whether_it_is_well_and_has_time_to_stop() -> None:
    for name, service in parsed()["services"].items():
        if not is_job(service):
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert int(service["stop_grace_period"].rstrip("s")) > 20, name


def test_nothing_depends_on_the_sandboxes() -> None:
    """In production they are not there, and Compose refuses what depends on a service of no profile in use."""
    assert not any("sandboxes" in service.get("depends_on", {}) for service in parsed()["services"].values())


def test_the_images_build_without_buildkit() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert not re.search(r"^# *syntax|--mount|<<[A-Z\"'-]|--link|--parents", text, re.MULTILINE)


def test_every_variable_is_in_both_files() -> None:
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    with_default = {
        field.metadata["variable"]
        for each in SETTINGS.values()
        for field in fields(each)
        if field.metadata["default"] is not MISSING
    }
    optional = {"ROSTRUM_IMAGE", "BUILD_NETWORK", "SITE_ADDRESS", "MAIL_FROM"} | with_default
    sandbox = variables(ROOT / ".env")
    assert used - sandbox.keys() - optional == set()
    assert sandbox.keys() - used == {"COMPOSE_PROFILES"}
    only_sandbox = {name for name in used if "SANDBOX" in name or name.startswith("MAILBOX_")}
    production = variables(ROOT / ".env.production.example")
    missing = used - production.keys() - only_sandbox
    assert missing <= {"ROSTRUM_IMAGE", "BUILD_NETWORK"} | with_default
    assert production.keys() - used == set()


# The compose file decides these, or they are for another way to run.
DECIDED = {"BIND", "PORT", "WORKER_PORT", "AMQP_TOPOLOGY", "EMBEDDED_DATABASES", METRICS_FOLDER}


@pytest.mark.parametrize("service", SETTINGS)
def test_every_setting_can_be_set(service: str) -> None:
    """One that the containers are not given would be typed into the file without any effect."""
    known = {field.metadata["variable"] for field in fields(SETTINGS[service])}
    for role in ("web", "worker"):
        given = environment(f"{service}-{role}", {})
        assert known - DECIDED - given.keys() == set(), role
        # And none is given that nobody reads.
        assert given.keys() - known == set(), role


def test_everything_waits_until_the_settings_are_found_right() -> None:
    """A database remembers the passwords of its first start: it may not have one with wrong settings."""
    services = parsed()["services"]
    # Nobody may need the stand-ins' profile; they hold nothing.
    beginnings = {name for name, service in services.items() if not service.get("depends_on")}
    assert beginnings == {"settings", "nginx", "sandboxes"}
    checked = set(services["settings"]["environment"])
    for service in services.values():
        given: dict[str, Any] = service.get("environment", {})
        secrets = {name for value in given.values() for name in re.findall(r"\$\{(\w+_PASSWORD)", str(value))}
        assert secrets <= checked


def test_the_example_for_production_holds_no_secret_and_no_default_password() -> None:
    production = variables(ROOT / ".env.production.example")
    given = {name: value for name, value in production.items() if value}
    assert given == {
        "ROSTRUM_MODE": "production", "TRUSTED_PROXIES": "2", "SITE_ADDRESS": "127.0.0.1", "SITE_PORT": "8000",
    }  # fmt: skip


@pytest.mark.parametrize("service", SETTINGS)
@pytest.mark.parametrize("role", ["web", "worker", "migrate"])
def test_the_committed_settings_are_a_sandbox_and_nothing_else(service: str, role: str) -> None:
    sandbox = variables(ROOT / ".env")
    settings = load_settings(SETTINGS[service], environment(f"{service}-{role}", sandbox))
    assert settings.sandbox
    with pytest.raises(SettingsError) as refused:
        load_settings(
            SETTINGS[service], environment(f"{service}-{role}", sandbox | {"ROSTRUM_MODE": "production"})
        )
    assert {
        "DATABASE_URL",
        "AMQP_URL",
        "STAFF_KEYS",
        "LINK_KEYS",
        "PUBLIC_URL",
    } <= refused.value.problems.keys()


@pytest.mark.parametrize("service", SETTINGS)
def test_production_asks_for_what_is_not_filled_in(service: str) -> None:
    empty = variables(ROOT / ".env.production.example")
    with pytest.raises(SettingsError) as refused:
        load_settings(SETTINGS[service], environment(f"{service}-web", empty))
    assert {"STAFF_KEYS", "LINK_KEYS"} <= refused.value.problems.keys()
    secrets = {name: value or f"value-of-{name.lower()}".ljust(32, "x") for name, value in empty.items()}
    addresses = {
        "PUBLIC_URL": "https://workshops.example.com",
        "SCRUM_ALLIANCE_URL": "https://registry.example.com",
        "SMTP_URL": "smtp+starttls://us:word@mail.example.com",
        "MAIL_FROM": "Workshops <workshops@example.com>",
    }
    assert not load_settings(SETTINGS[service], environment(f"{service}-web", secrets | addresses)).sandbox


def nginx_locations() -> list[tuple[re.Pattern[str], str]]:
    """nginx's regular expressions, in their order, and the service behind each."""
    text = (ROOT / "deploy" / "nginx" / "rostrum.conf").read_text()
    found = re.findall(r"location ~ (\S+) \{\s*proxy_pass http://\$(\w+):8000;", text)
    assert len(found) == 2, "the rest is the root's"
    return [(re.compile(pattern), service) for pattern, service in found]


def test_nginx_knows_the_paths_of_the_contracts() -> None:
    locations = nginx_locations()
    paths = ["/", "/nothing"]
    for service, prefixes in OWN_PATHS.items():
        for prefix in (*prefixes, f"/{service}"):
            paths += [
                prefix,
                f"{prefix}/",
                f"{prefix}/deeper/x.y",
                f"{prefix}s",
                f"{prefix}-like",
                f"/x{prefix}",
            ]
    told = {
        path: next((s for pattern, s in locations if pattern.search(path)), "enrollment") for path in paths
    }
    assert told == {path: service_of(path) for path in paths}


def test_the_edge_writes_moments_as_the_services_do() -> None:
    """nginx's maps, applied to what it gives in UTC and, by somebody's setting, elsewhere."""
    text = (ROOT / "deploy" / "nginx" / "rostrum.conf").read_text()
    written = re.search(r'"timestamp": "([^"]+)"', text)
    assert written

    def moment(**given: str) -> str:
        told = written[1]
        for source, name, body in re.findall(r"map \$(\w+) \$(\w+) \{\n(.*?)\n\}", text, re.DOTALL):
            if source not in given:
                continue
            for pattern, value in re.findall(r'^ +"~(.+)" +(\S+);$', body, re.MULTILINE):
                # Named groups are written otherwise in Python.
                if found := re.search(pattern.replace("(?<", "(?P<"), given[source]):
                    told = told.replace(f"${name}", found.groupdict().get(value.removeprefix("$"), value))
                    break
        return told

    assert (
        moment(time_iso8601="2026-11-02T09:00:00+00:00", msec="1793610000.042") == "2026-11-02T09:00:00.042Z"
    )
    elsewhere = moment(time_iso8601="2026-11-02T04:00:00-05:00", msec="1793610000.042")
    assert elsewhere == "2026-11-02T04:00:00.042-05:00"
