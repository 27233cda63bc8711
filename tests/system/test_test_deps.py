"""`deploy/test-deps.sh` with a stand-in for apt-get: what it installs, and that it leaves nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "test-deps.sh"
TOOLS = ("sh", "id", "grep", "mv", "rm", "ln", "chmod", "readlink", "tr", "cat", "mkdir", "touch")

APT_GET = """#!/bin/sh
echo "$@" >> "$RECORD"
cat "$POLICY_RC_D" >> "$RECORD"
[ "$1" = update ] && exit 0
[ -z "$APT_FAILS" ] || exit 100
mkdir -p "$POSTGRES_ROOT/15/bin"
cd "$BIN"
for program in erl epmd rabbitmq-server chromium "$POSTGRES_ROOT/15/bin/postgres"; do
    echo '#!/bin/sh' > "$program"
    chmod 755 "$program"
done
"""


class Machine:
    """A machine of our own: only what the script may see of it."""

    def __init__(self, folder: Path, *, user: int = 0, system: str = "debian") -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        (self.bin / "id").unlink()
        self.add("id", f"#!/bin/sh\necho {user}\n")
        self.add("apt-get", APT_GET)
        (folder / "os-release").write_text(f"NAME=x\nID={system}\n")
        self.policy = folder / "policy-rc.d"
        self.record = folder / "record"
        self.environment = {
            "PATH": str(self.bin),
            "BIN": str(self.bin),
            "RECORD": str(self.record),
            "POLICY_RC_D": str(self.policy),
            "POSTGRES_ROOT": str(folder / "postgresql"),
            "OS_RELEASE": str(folder / "os-release"),
        }

    def add(self, name: str, text: str) -> None:
        """A program of this machine."""
        program = self.bin / name
        program.write_text(text)
        program.chmod(0o755)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The script on this machine."""
        return subprocess.run(
            [str(self.bin / "sh"), str(SCRIPT), *arguments],
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_real_machine_is_looked_at_without_touching_it() -> None:
    looked = subprocess.run([SCRIPT, "--missing"], capture_output=True, text=True, check=True)
    assert set(looked.stdout.split()) <= {"rabbitmq-server", "postgresql", "chromium"}


def test_what_is_missing_is_installed_while_services_are_forbidden(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\n# the machine's own\nexit 0\n")
    machine.policy.chmod(0o711)
    assert machine.run("--missing").stdout.split() == ["rabbitmq-server", "postgresql", "chromium"]
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert "no service is started" in done.stdout
    record = machine.record.read_text()
    assert "rabbitmq-server postgresql chromium fonts-dejavu-core" in record
    assert record.count("exit 101") == 2
    assert machine.policy.read_text() == "#!/bin/sh\n# the machine's own\nexit 0\n"
    assert machine.policy.stat().st_mode & 0o777 == 0o711
    assert sorted(path.name for path in machine.policy.parent.glob("policy*")) == ["policy-rc.d"]


def test_a_second_run_does_nothing(machine: Machine) -> None:
    assert machine.run().returncode == 0
    assert not machine.policy.exists(), "there was none before"
    machine.record.unlink()
    again = machine.run()
    assert (again.returncode, machine.record.exists()) == (0, False)
    assert "nothing to install" in again.stdout


def test_only_what_is_missing_is_asked_for(machine: Machine) -> None:
    machine.add("chromium", "#!/bin/sh\n")
    assert machine.run().returncode == 0
    assert "--no-install-recommends -o DPkg::Lock::Timeout=120 rabbitmq-server postgresql fonts" in (
        machine.record.read_text()
    )


def test_a_failed_installation_restores_the_policy(machine: Machine) -> None:
    machine.policy.write_text("own\n")
    failed = machine.run(APT_FAILS="1")
    assert (failed.returncode, "failed" in failed.stderr) == (1, True)
    assert machine.policy.read_text() == "own\n"


def test_a_run_that_was_killed_is_put_right_by_the_next(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 101\n")
    machine.policy.with_name("policy-rc.d.before-rostrum").write_text("own\n")
    assert machine.run().returncode == 0
    assert machine.policy.read_text() == "own\n"
    assert not machine.policy.with_name("policy-rc.d.before-rostrum").exists()


@pytest.mark.parametrize(("user", "system"), [(1000, "debian"), (0, "fedora")])
def test_elsewhere_it_says_what_is_missing_and_touches_nothing(
    tmp_path: Path, user: int, system: str
) -> None:
    machine = Machine(tmp_path, user=user, system=system)
    refused = machine.run()
    assert refused.returncode == 1
    assert "rabbitmq-server postgresql chromium" in refused.stderr
    assert not machine.record.exists()
    assert not machine.policy.exists()


def test_before_a_test_run_nothing_is_a_reason_not_to_run(machine: Machine, tmp_path: Path) -> None:
    failed = machine.run("--if-missing", APT_FAILS="1")
    assert (failed.returncode, "failed" in failed.stdout) == (0, True)
    machine.add("docker", "#!/bin/sh\nexit 0\n")
    with_docker = machine.run("--if-missing")
    assert (with_docker.returncode, "Docker answers" in with_docker.stdout) == (0, True)
    machine.add("docker", "#!/bin/sh\nexit 1\n")
    installed = machine.run("--if-missing")
    assert (installed.returncode, "Installed." in installed.stdout) == (0, True)
    quiet = machine.run("--if-missing")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_wish_nobody_knows_is_refused(machine: Machine) -> None:
    assert machine.run("--force").returncode == 2
