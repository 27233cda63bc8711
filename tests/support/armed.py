"""A site's programs with crash points that a test can arm while they run.

`python -m tests.support.armed` imports everything once and forks each program (ARMED_PROGRAMS) from itself, again
whenever one dies: a restart takes a moment instead of seconds. A fork shares no connection and no thread,
because this process opens none.

A test arms a point by writing an `Order` into the folder (ARMED_FOLDER); whichever process reaches that point
first takes the order away, by renaming it, and kills itself there. So it is killed once, and whoever was
never killed never came there. `without` names guards to do without: negative controls.
"""

import ctypes
import importlib
import json
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from deploy.embedded.plan import Plan
from deploy.embedded.supervisor import Program
from services.__main__ import ROOTS, build_one, create_site, work
from shared.cli import run_until_told
from shared.db.wakeup import Signal
from shared.observability.logs import configure_logs
from shared.service import Overrides, Service
from shared.worker import Worker
from tests.support import unguarded

# What this process has imported its children need not import again.
_PRELOADED = ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "deploy.gunicorn_conf")

SITE, WORKER = "site", "worker"
_ORDER, _DONE, _WITHOUT, _ENDS = "order.json", "done.json", "without", "ends.jsonl"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """Where to die: at which point of which service, in its web or its worker."""

    point: str
    service: str
    process: str


class Armory:
    """The folder through which a test and the armed programs talk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def programs(self, plan: Plan) -> list[Program]:
        """The plan's programs, ours in one armed process."""
        ours = [program for program in plan.programs() if program.name != "sandboxes"]
        others = [program for program in plan.programs() if program.name == "sandboxes"]
        return [*others, self.nursery(ours, "tests.support.armed")]

    def nursery(self, programs: Sequence[Program], module: str) -> Program:
        """One process that forks these programs; `module` is what it runs."""
        environment = {
            "ARMED_FOLDER": str(self._folder),
            "ARMED_PROGRAMS": json.dumps([asdict(program) for program in programs]),
        }
        return Program(name="armed", arguments=[sys.executable, "-m", module], environment=environment)

    def arm(self, order: Order) -> None:
        """From now on, the first to come to that point dies there."""
        (self._folder / _DONE).unlink(missing_ok=True)
        self._write(_ORDER, json.dumps(asdict(order)))

    def is_armed(self) -> bool:
        """Whether an order still waits for somebody to come by."""
        return (self._folder / _ORDER).exists()

    def was_reached(self) -> bool:
        """Whether somebody died at the point that was armed last."""
        return (self._folder / _DONE).exists()

    def do_without(self, *guards: str) -> None:
        """Programs that start from now on lack these guards."""
        self._write(_WITHOUT, " ".join(guards))

    def without(self) -> list[str]:
        """The guards to do without."""
        path = self._folder / _WITHOUT
        return path.read_text().split() if path.exists() else []

    def pid_of(self, name: str) -> int:
        """The present process of a program."""
        return int((self._folder / f"{name}.pid").read_text())

    def note_pid(self, name: str, pid: int) -> None:
        """Say which process a program is now."""
        self._write(f"{name}.pid", str(pid))

    def note_end(self, name: str, status: int) -> None:
        """Say that a program ended, and how: `status` as `os.wait` gives it."""
        with (self._folder / _ENDS).open("a") as file:
            file.write(json.dumps([name, status]) + "\n")

    def ends(self) -> list[tuple[str, int]]:
        """Every end of a program so far, with the status that `os.wait` gave."""
        path = self._folder / _ENDS
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def _write(self, name: str, text: str) -> None:
        # Readers see all of it or nothing.
        draft = self._folder / f"{name}.draft"
        draft.write_text(text)
        draft.rename(self._folder / name)

    def checkpoint(self, service: str, process: str) -> Callable[[str], None]:
        """What one service's points call in one kind of process."""
        path, done = self._folder / _ORDER, self._folder / _DONE

        def checkpoint(name: str) -> None:
            try:
                order = json.loads(path.read_text())
                if (order["point"], order["service"], order["process"]) != (name, service, process):
                    return
                path.rename(done)
            except FileNotFoundError:
                return
            os.kill(os.getpid(), signal.SIGKILL)
            # The signal may reach another thread first: this one must not go past the point.
            threading.Event().wait()

        return checkpoint


def build_armed(names: Sequence[str], process: str) -> dict[str, Service]:
    """These services, their points armed through the composition root."""
    armory, shared_signal = Armory(Path(os.environ["ARMED_FOLDER"])), Signal()
    return {
        name: build_one(
            name,
            os.environ,
            Overrides(signal=shared_signal, checkpoint=armory.checkpoint(name, process)),
        )
        for name in names
    }


def create_armed_site() -> Callable[..., Any]:
    """The WSGI entry, for gunicorn."""
    return create_site(build_armed(list(ROOTS), SITE))


def run_program(arguments: Sequence[str]) -> None:
    """What the plan's command line would do, armed."""
    if "gunicorn" in arguments:
        options = list(arguments[arguments.index("gunicorn") + 1 : -1])
        sys.argv = ["gunicorn", *options, "tests.support.armed:create_armed_site()"]
        runpy.run_module("gunicorn", run_name="__main__")
        return
    configure_logs("json", "")
    module = arguments[-2]
    if module == "services":
        work(build_armed(list(ROOTS), WORKER).values())
        return
    name = module.removeprefix("services.")
    worker = Worker(build_armed([name], WORKER)[name])
    worker.start()
    run_until_told([worker])


class Nursery:
    """Forks the programs, and forks them again when they die. One thread, no connections.

    `run` does in the child what a program's command line would do.
    """

    def __init__(
        self,
        programs: Sequence[Mapping[str, Any]],
        armory: Armory,
        run: Callable[[Sequence[str]], None] = run_program,
    ) -> None:
        self._programs = {program["name"]: program for program in programs}
        self._armory = armory
        self._run = run
        self._children: dict[int, str] = {}
        self._stopping = False

    def run(self) -> None:
        """Keep all programs running until SIGTERM, then wait for their work in hand."""
        signal.signal(signal.SIGTERM, self._stop)
        for name in self._programs:
            self._fork(name)
        while self._children:
            pid, status = os.wait()
            name = self._children.pop(pid, None)
            if name is None or self._stopping:
                continue
            self._armory.note_end(name, status)
            if not os.WIFSIGNALED(status):
                # It fails at every start: no need to burn the machine.
                time.sleep(0.5)
            self._fork(name)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for pid in list(self._children):
            os.kill(pid, signal.SIGTERM)

    def _fork(self, name: str) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            if self._stopping:
                return
            pid = os.fork()
            if pid == 0:
                self._become(name)
            self._children[pid] = name
            self._armory.note_pid(name, pid)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def _become(self, name: str) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            program = self._programs[name]
            os.environ.update(program["environment"])
            unguarded.remove(self._armory.without())
            self._run(program["arguments"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def main(run: Callable[[Sequence[str]], None] = run_program) -> None:
    """Run what the environment names."""
    for module in _PRELOADED:
        importlib.import_module(module)
    Nursery(json.loads(os.environ["ARMED_PROGRAMS"]), Armory(Path(os.environ["ARMED_FOLDER"])), run).run()


if __name__ == "__main__":
    # By its full name, so that gunicorn finds this very module and not a second copy.
    from tests.support import armed

    armed.main()
