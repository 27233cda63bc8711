"""`deploy/compose.sh roll`, with a stand-in for Docker that writes down what it was asked."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import stand_in

ROOT = Path(__file__).resolve().parents[2]
DOCKER = """#!/bin/sh
echo "$*" >> "$TOLD/asked"
case "$*" in
"compose version") exit 0 ;;
"compose "*" ps "*" enrollment-wbe") echo "no such service: enrollment-wbe" >&2; exit 1 ;;
"compose "*" ps "*) cat "$TOLD/containers" ;;
"inspect "*com.docker.compose.oneoff*) [ ! -e "$TOLD/by-hand" ] && cat "$TOLD/containers" || echo ;;
"inspect "*) echo "/one running healthy" ;;
restart*) [ ! -e "$TOLD/stuck" ] ;;
*) exit 64 ;;
esac
"""


@dataclass
class Machine:
    """One with containers of a service, and a Docker that is none."""

    folder: Path

    def has(self, *containers: str) -> None:
        (self.folder / "containers").write_text("".join(f"{each}\n" for each in containers))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        script = ROOT / "deploy" / "compose.sh"
        return stand_in.run([script, *words], self.folder, TOLD=str(self.folder))

    @property
    def restarted(self) -> list[str]:
        asked = (self.folder / "asked").read_text().splitlines()
        return [line.split()[-1] for line in asked if line.startswith("restart")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    stand_in.put(tmp_path, "docker", DOCKER)
    return Machine(tmp_path)


def test_rolling_restarts_one_container_after_the_other(machine: Machine) -> None:
    machine.has("0123456789abcdef", "fedcba9876543210")
    ended = machine.run("roll", "enrollment-web")
    assert ended.returncode == 0, ended.stderr
    assert machine.restarted == ["0123456789abcdef", "fedcba9876543210"]
    assert ended.stdout.splitlines() == [
        "enrollment-web: 0123456789ab is well again",
        "enrollment-web: fedcba987654 is well again",
    ]


def test_rolling_a_service_that_is_none_fails(machine: Machine) -> None:
    ended = machine.run("roll", "enrollment-wbe")
    assert (ended.returncode, machine.restarted) == (1, [])
    assert "no such service: enrollment-wbe" in ended.stderr


@pytest.mark.parametrize("by_hand", [False, True])
def test_rolling_nothing_fails(machine: Machine, by_hand: bool) -> None:
    machine.has(*["0123456789abcdef"] * by_hand)
    if by_hand:
        # Only what `run` left behind is there.
        (machine.folder / "by-hand").touch()
    ended = machine.run("roll", "enrollment-web")
    assert (ended.returncode, machine.restarted) == (1, [])
    assert "There is no container of enrollment-web, so nothing was restarted" in ended.stderr


def test_a_container_that_does_not_restart_is_the_last_one(machine: Machine) -> None:
    machine.has("0123456789abcdef", "fedcba9876543210")
    (machine.folder / "stuck").touch()
    ended = machine.run("roll", "enrollment-web")
    assert ended.returncode != 0
    assert machine.restarted == ["0123456789abcdef"]
    assert "well again" not in ended.stdout


@pytest.mark.parametrize("words", [("roll",), ("roll", "enrollment-web", "payment-web")])
def test_rolling_takes_one_service(machine: Machine, words: tuple[str, ...]) -> None:
    machine.has("0123456789abcdef")
    ended = machine.run(*words)
    assert (ended.returncode, machine.restarted) == (2, [])
    assert "One service at a time" in ended.stderr
