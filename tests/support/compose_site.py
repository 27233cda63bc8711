"""The site in containers, as people and checkers see it."""

import random
import time
from collections.abc import Sequence
from typing import Self

from deploy.embedded.plan import Plan, Ports
from services.__main__ import ROOTS
from tests.support.compose import ComposeProject, Container
from tests.support.site import OpenSite

WORKERS = tuple(f"{name}-worker" for name in ROOTS)
WEBS = tuple(f"{name}-web" for name in ROOTS)
QUIET_SECONDS = 3.0
RUNNING = ("postgres", "rabbitmq", "nginx", "sandboxes", *WEBS, *WORKERS)


class ComposeSite(OpenSite):
    """The committed compose file, up, with the sandboxes."""

    def __init__(self, command: str) -> None:
        self.project = ComposeProject(command)
        port = self.project.port
        password = self.project.environment["POSTGRES_PASSWORD"]
        super().__init__(
            Plan(
                services=tuple(ROOTS),
                folder=self.project.clock_folder,
                ports=Ports(
                    site=port("site"),
                    stripe=port("stripe"),
                    scrum_alliance=port("scrum_alliance"),
                    mailbox=port("mailbox"),
                    # Inside the containers' network only.
                    smtp=0,
                    workers=(),
                ),
                database_url=f"postgresql://postgres:{password}@127.0.0.1:{port('postgres')}/rostrum_{{service}}",
                # Nobody here opens it: it says that this site is not an embedded one.
                amqp_url="amqp://127.0.0.1:1/",
            )
        )

    def __enter__(self) -> Self:
        self.project.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.project.__exit__()

    def wait_until_quiet(self, seconds: float) -> None:
        """Wait until every message is published and handled, and stays so for a moment."""
        deadline, quiet_since = time.monotonic() + seconds, None
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_SECONDS:
            waiting = (self.unpublished(), self.unhandled())
            if not any(count for counts in waiting for count in counts.values()):
                quiet_since = quiet_since or time.monotonic()
            else:
                quiet_since = None
            assert time.monotonic() < deadline, (
                f"after {seconds:.0f} s still unpublished, unhandled: {waiting}"
            )
            time.sleep(0.5)

    def kill(self, service: str) -> None:
        """SIGKILL to everything in the first container of a service; Docker starts it again."""
        self.project.kill(service)

    def restart_in_random_order(self, services: Sequence[str], seed: int) -> list[str]:
        """Restart these one after the other, the next one as soon as one is well; returns the order."""
        order = random.Random(seed).sample(list(services), len(services))
        for service in order:
            for container in self.project.containers(service):
                self.project.restart(container)
        return order

    def roll(self, services: Sequence[str]) -> list[Container]:
        """Restart every container of these services, one at a time; returns them."""
        restarted = []
        for service in services:
            for container in self.project.containers(service):
                self.project.restart(container)
                restarted.append(container)
        return restarted

    def scale(self, services: Sequence[str], count: int) -> None:
        """So many containers of each of these services."""
        words = [word for service in services for word in ("--scale", f"{service}={count}")]
        self.project.compose("up", "--detach", "--no-deps", "--no-recreate", *words, *services)
        self.project.wait_until_well(*services)
