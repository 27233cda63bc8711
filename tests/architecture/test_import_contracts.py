"""Who may import whom: `.importlinter`, run as a test."""

import configparser
import subprocess
import sys

from tests.architecture.source import ROOT


def test_the_import_contracts_are_kept() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_part_of_the_kernel_is_named_as_general() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    named = set(config["importlinter:contract:kernel-is-general"]["source_modules"].split())
    parts = {
        f"shared.{path.stem}"
        for path in (ROOT / "shared").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }
    assert named == parts - {"shared.contracts"}, "name it under source_modules in .importlinter"
