"""A thousand bookings while every process is killed every two seconds, the broker and the database twice.

`make chaos` is the same with twenty thousand. Whoever wants another schedule sets CHAOS_SEED.
"""

import json
import os
from pathlib import Path

import pytest

from tests.chaos.options import Options
from tests.chaos.run import Result, Run, say_on_terminal, shown
from tests.chaos.site import ChaosSite
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitMQ

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
REPORT = Path("build/chaos-short.json")
SEED = int(os.environ.get("CHAOS_SEED", "20261127"))


def play(broker: RabbitMQ, server: Postgres, options: Options) -> Result:
    """One run on servers that may be killed."""
    with ChaosSite(broker, server, without=options.without) as site:
        if options.lose:
            site.lose_every_fifth(options.lose)
        result = Run(site, options, say_on_terminal).run()
    for line in shown(result):
        say_on_terminal(line)
    return result


def test_random_kills_lose_nothing_and_double_nothing(
    killable_rabbitmq: RabbitMQ, killable_postgres: Postgres
) -> None:
    options = Options(seed=SEED, bookings=1000, sandbox_kills=1)
    result = play(killable_rabbitmq, killable_postgres, options)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(result.report(), indent=2, ensure_ascii=False))

    assert (result.verdict.lost, result.verdict.duplicated, result.verdict.unexpected) == ([], [], [])
    assert result.verdict.recovered_bookings, "the kills must have met somebody"
    assert result.verdict.recovered_messages
    assert len(result.killer.outages) == 5


def test_negative_control_without_the_inbox_effects_are_doubled(
    killable_rabbitmq: RabbitMQ, killable_postgres: Postgres
) -> None:
    options = Options(
        seed=SEED, bookings=100, wave=50, mean_seconds=0.7, without=("forget_what_was_received",)
    )
    result = play(killable_rabbitmq, killable_postgres, options)

    assert any("took effect" in entry for entry in result.verdict.duplicated)


@pytest.mark.parametrize("event_type", ["payment.confirmed.v1", "enrollment.assessed.v1"])
def test_negative_control_what_never_reaches_the_outbox_is_found_missing(
    event_type: str, killable_rabbitmq: RabbitMQ, killable_postgres: Postgres
) -> None:
    options = Options(
        seed=SEED,
        bookings=20,
        wave=20,
        mean_seconds=1e6,
        broker_kills=0,
        database_stops=0,
        patience=15,
        lose=event_type,
    )
    result = play(killable_rabbitmq, killable_postgres, options)

    assert result.verdict.lost
