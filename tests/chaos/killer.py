"""Who is killed when: a schedule that follows from the seed, and the threads that carry it out."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.options import Options
from tests.chaos.site import SERVICES, ChaosSite

# A web is a master and its child: each may die alone, or both together as a container does.
_PARTS = {"worker": ("process", "process", "process"), "web": ("child", "master", "both")}
TARGETS = tuple((f"{name}-{kind}", part) for name in SERVICES for kind in _PARTS for part in _PARTS[kind])
_BROKER, _DATABASE, _SANDBOXES = "broker", "database", "sandboxes"


@dataclass(frozen=True, kw_only=True)
class Blow:
    """One SIGKILL, so many seconds after the one before."""

    after_seconds: float
    program: str
    part: str


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A server is killed when this part of the run is done, and started again after a while."""

    at_progress: float
    server: str
    away_seconds: float


def blows(options: Options) -> Iterator[Blow]:
    """The kills of our processes, without end."""
    rng = random.Random(f"blows {options.seed}")
    while True:
        program, part = rng.choice(TARGETS)
        yield Blow(after_seconds=rng.expovariate(1 / options.mean_seconds), program=program, part=part)


def outages(options: Options) -> list[Outage]:
    """The kills of servers, in their order."""
    rng = random.Random(f"outages {options.seed}")
    wanted = (
        [_BROKER] * options.broker_kills
        + [_DATABASE] * options.database_stops
        + [_SANDBOXES] * options.sandbox_kills
    )
    planned = [
        Outage(at_progress=rng.uniform(0.05, 0.9), server=server, away_seconds=rng.uniform(0.5, 3))
        for server in wanted
    ]
    return sorted(planned, key=lambda outage: outage.at_progress)


class Killer:
    """Two threads: one kills processes in the rhythm of the schedule, one servers as the run goes on."""

    def __init__(self, site: ChaosSite, options: Options, progress: Callable[[], float]) -> None:
        self._site = site
        self._options = options
        self._progress = progress
        self._stopping = threading.Event()
        self.kills: Counter[str] = Counter()
        self.missed = 0
        self.moments: list[tuple[float, str]] = []
        self.outages: list[str] = []
        self.problems: list[str] = []
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=work.__name__, daemon=True)
            for work in (self._kill_processes, self._kill_servers)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Kill nobody any more; servers that are away come back first."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:
            self.problems.append(f"the killer failed: {problem!r}")

    def _kill_processes(self) -> None:
        for blow in blows(self._options):
            if self._stopping.wait(blow.after_seconds):
                return
            if self._site.kill(blow.program, blow.part):
                self.kills[f"{blow.program} {blow.part}"] += 1
                self.moments.append((time.time(), blow.program))
            else:
                self.missed += 1

    def _kill_servers(self) -> None:
        for outage in outages(self._options):
            while self._progress() < outage.at_progress:
                if self._stopping.wait(0.2):
                    return
            self._outage(outage)

    def _outage(self, outage: Outage) -> None:
        began = time.monotonic()
        if outage.server == _BROKER:
            self._site.broker.kill()
            time.sleep(outage.away_seconds)
            self._site.broker.start()
        elif outage.server == _DATABASE:
            self._site.server.stop_immediate()
            time.sleep(outage.away_seconds)
            self._site.server.start()
        else:
            self._site.supervisor.kill(_SANDBOXES)
        self.outages.append(f"{outage.server} away for {time.monotonic() - began:.1f} s")
