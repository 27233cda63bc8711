"""The first run: `make demo` in a fresh clone and again, and the memory of the idle embedded site."""

import subprocess
import tempfile
import time
from pathlib import Path

from deploy.embedded.story import Story
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.running_site import running_site

ROOT = Path(__file__).resolve().parents[2]


def measure_demo() -> list[Figure]:
    """Seconds of `make demo` in a fresh clone, and with the dependencies there."""
    with tempfile.TemporaryDirectory(prefix="rostrum-bench-clone-") as folder:
        clone = Path(folder) / "rostrum"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        fresh = _timed_demo(clone)
        again = min(_timed_demo(clone) for _ in range(2))
    return [
        at_most("make demo, fresh clone", fresh, "s", 90),
        at_most("make demo, dependencies installed", again, "s", 10, "the better of two"),
    ]


def _timed_demo(clone: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(["make", "demo"], cwd=clone, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"make demo failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began


def measure_memory() -> Figure:
    """Proportional set size of all processes of the embedded site, idle after the demo's story."""
    with running_site() as (plan, supervisor):
        Story(plan, say=lambda line: None).run()
        time.sleep(3)
        pids = [supervisor.process(program.name).pid for program in plan.programs()]
        sizes = {pid: _pss(pid) for root in pids for pid in _family(root)}
    total = sum(sizes.values()) / 1024
    return at_most("embedded site, idle after the demo", total, "MB", 350, f"{len(sizes)} processes")


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
