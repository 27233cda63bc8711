"""What a request claims about its host, and how its path is spelled, leads nobody anywhere else."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.component.authorization.asking import Asking
from tests.component.authorization.table import rows_of
from tests.component.authorization.test_tricks import one_who_may
from tests.component.authorization.world import World
from tests.support.in_process import SERVICES

EVIL = "evil.example"
CLAIMS = ("Host", "X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded", "X-Original-URL")


@pytest.mark.parametrize("service", SERVICES)
def test_no_answer_repeats_the_host_that_was_claimed(world: World, service: str) -> None:
    asking, wrong = Asking(world, service), []
    for row in rows_of(service):
        if row.path == "/staff/login" and row.changes:
            continue
        genuine = asking.ask(row, one_who_may(row))
        claims = {name: f"host={EVIL}" if name == "Forwarded" else EVIL for name in CLAIMS}
        answer = replace(genuine, headers={**genuine.headers, **claims}).send()
        said = [name for name, value in answer.headers.items() if EVIL in value]
        wrong += [f"{row}: {said}"] * bool(said) + [f"{row}: its body"] * (EVIL in answer.text)
    assert wrong == []


SPELLINGS = (
    "/{0}", "{0}/", "/./{1}", "/x/../{1}", "/%2e%2e/{1}", "/pay/..{0}", "/verify/..%2f{1}", "{0};x=1", "{0}%00",
    "{0}%0d%0aX-Evil:%201", "/\\evil.example", "//evil.example", "//evil.example{0}", "/%5cevil.example",
)  # fmt: skip


def spelled(path: str) -> Iterator[str]:
    """Other ways to write a path, for whoever compares paths carelessly."""
    for spelling in SPELLINGS:
        yield spelling.format(path, path.lstrip("/"))
    # Tidied up by a redirect, it would lead to the host that was claimed.
    head, _, tail = path[1:].rpartition("/")
    yield f"/{head}//{tail}"


@pytest.mark.parametrize("path", ["/staff", "/finance", "/certificates/activations", "/enrollment/ops"])
def test_no_other_spelling_comes_in_or_leads_away(world: World, path: str) -> None:
    """Sent as it is written, through the dispatcher of the embedded site; clients would tidy it up."""
    for target in spelled(path):
        status, location = raw_get(world.site.url, target)
        assert status in (303, 400, 404), (target, status)
        assert status != 303 or location.startswith("/staff/login"), (target, location)


def test_static_files_stay_in_their_folder(world: World) -> None:
    for service in SERVICES:
        for target in (
            "../app.py",
            "..%2fapp.py",
            "%2e%2e/app.py",
            "..%5capp.py",
            "//etc/passwd",
            "/etc/passwd",
        ):
            status, _ = raw_get(world.site.url, f"/{service}/static/{target}")
            assert status in (400, 404), (service, target, status)


def raw_get(url: str, target: str) -> tuple[int, str]:
    """The status and the Location of a GET whose target nobody has touched."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=20) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {EVIL}\r\nConnection: close\r\n\r\n".encode("latin-1")
        )
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head = answer.split(b"\r\n\r\n", 1)[0].decode("latin-1")
    locations = [
        line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("location: ")
    ]
    return int(head.split(" ")[1]), "".join(locations)
