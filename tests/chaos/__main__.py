"""`make chaos`: the long run, and `build/chaos.json`. `ARGS="--bookings 2000 --seed 7"` chooses another one."""

import argparse
import json
import random
import signal
import sys
from pathlib import Path

from tests.chaos.options import Options
from tests.chaos.run import Run, say_on_terminal, shown
from tests.chaos.site import ChaosSite
from tests.support.postgres import PrivatePostgres
from tests.support.rabbitmq import PrivateRabbitMQ

REPORT = Path("build/chaos.json")


def read_options(arguments: list[str]) -> tuple[Options, Path | None]:
    """What the command line asks for, and where the processes' log is to be kept."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="by default a new one")
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--wave", type=int, default=200, help="bookings of one workshop")
    parser.add_argument("--clients", type=int, default=8, help="people at the same time")
    parser.add_argument("--mean-seconds", type=float, default=2.0, help="between two kills")
    parser.add_argument("--broker-kills", type=int, default=2)
    parser.add_argument("--database-stops", type=int, default=2)
    parser.add_argument("--sandbox-kills", type=int, default=2)
    parser.add_argument(
        "--patience", type=float, default=180.0, help="seconds that people wait for one thing"
    )
    parser.add_argument("--without", nargs="*", default=[], help="guards to do without: it must fail then")
    parser.add_argument("--lose", help="an event type of which every fifth is lost: it must fail then")
    parser.add_argument("--logs", type=Path, help="where to keep what the processes wrote")
    given = vars(parser.parse_args(arguments))
    given["without"] = tuple(given["without"])
    logs: Path | None = given.pop("logs")
    return Options(**given), logs


def main(arguments: list[str]) -> int:
    """Run; 0 when nothing was lost, duplicated or unexpected."""
    options, logs = read_options(arguments)
    # Told to stop, it leaves by the same door as always, and no folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    say_on_terminal(f"seed {options.seed}")
    with PrivateRabbitMQ() as broker, PrivatePostgres() as server:
        with ChaosSite(broker, server, without=options.without) as site:
            if options.lose:
                site.lose_every_fifth(options.lose)
            result = Run(site, options, say_on_terminal).run()
            if logs:
                logs.write_text(site.log())
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(result.report(), indent=2, ensure_ascii=False))
    for line in shown(result):
        say_on_terminal(line)
    say_on_terminal(f"{REPORT} is written")
    return 0 if result.verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
