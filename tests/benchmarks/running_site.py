"""A whole site for measuring, with its processes, in a folder of its own."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.embedded.plan import Plan, Ports
from deploy.embedded.story import Story
from deploy.embedded.supervisor import Supervisor
from services.__main__ import ROOTS, prepare


@contextlib.contextmanager
def running_site(
    *, amqp_url: str | None = None, database_url: str | None = None
) -> Iterator[tuple[Plan, Supervisor]]:
    """An open site: embedded, or on a broker and a server (`database_url` with `{service}`)."""
    folder = Path(tempfile.mkdtemp(prefix="rostrum-bench-site-"))
    plan = Plan(
        services=tuple(ROOTS), folder=folder, ports=Ports.free(), amqp_url=amqp_url, database_url=database_url
    )
    supervisor = Supervisor(plan.programs(), folder / "logs")
    try:
        prepare(plan)
        supervisor.start()
        Story(plan, say=lambda line: None).wait_until_open()
        yield plan, supervisor
    finally:
        supervisor.stop()
        shutil.rmtree(folder, ignore_errors=True)
