"""A program that stands before the real one of its name, for scripts that are run as they are."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def put(folder: Path, name: str, script: str) -> None:
    """Write a stand-in called `name` into `folder`."""
    program = folder / name
    program.write_text(script)
    program.chmod(0o755)


def run(
    command: Sequence[str | Path], folder: Path, *, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that finds the stand-ins of `folder` first; its environment has nothing else but `environment`."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
