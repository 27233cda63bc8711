"""The processes under fire, forked from one that has imported everything: `python -m tests.chaos.programs`.

Each child runs a service's own command line, `python -m services.<name> web|worker`; only the start of a new
interpreter is spared, since at a kill every two seconds the machine would do little else.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from services.__main__ import ROOTS
from shared.cli import group
from tests.chaos.probe import watched
from tests.support import armed


def run_service(arguments: Sequence[str]) -> None:
    """What `python -m services.<name> <command>` does; a worker's effects are noted."""
    name, command = arguments[-2].removeprefix("services."), arguments[-1]
    settings, build = ROOTS[name]
    setattr(os, os.execv.__name__, _become_gunicorn)
    group(name, settings, lambda found: watched(build(found)))(args=[command], prog_name=arguments[-2])


def _become_gunicorn(_path: str, arguments: Sequence[Any]) -> NoReturn:
    sys.argv = ["gunicorn", *arguments[3:]]
    runpy.run_module("gunicorn", run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    armed.main(run_service)
