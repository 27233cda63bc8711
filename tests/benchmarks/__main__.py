"""`make bench`: every figure with its bar; a table, and `build/bench.json`. Names as arguments choose some."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import consumer, containers, embedded, first_run, http, latency, relay
from tests.benchmarks.figures import Figure, NotMeasured, show, store
from tests.support.postgres import PrivatePostgres
from tests.support.rabbitmq import PrivateRabbitMQ

RESULTS = Path("build/bench.json")


def _latency(broker: PrivateRabbitMQ, server: PrivatePostgres) -> list[Figure]:
    for service in ("enrollment", "payment", "certification"):
        server.create_database(f"bench_{service}")
    url = broker.url_of(broker.create_vhost())
    return [latency.measure(url, server.url("bench_{service}").replace("%7B", "{").replace("%7D", "}"))]


SERVED: dict[str, Callable[[PrivateRabbitMQ, PrivatePostgres], list[Figure]]] = {
    "relay": lambda mq, pg: [relay.measure(mq.url_of(mq.create_vhost()), pg.url(pg.create_database()))],
    "consumer": lambda mq, pg: [consumer.measure(mq.url_of(mq.create_vhost()), pg.url(pg.create_database()))],
    "latency": _latency,
    "bookings": lambda mq, pg: [http.measure_bookings(pg)],
    "catalogue": lambda mq, pg: [http.measure_catalogue(pg)],
}
ALONE: dict[str, Callable[[], list[Figure]]] = {
    "embedded": lambda: [embedded.measure()],
    "memory": lambda: [first_run.measure_memory()],
    "demo": first_run.measure_demo,
    "compose": containers.measure,
}


def main(chosen: list[str]) -> int:
    """Measure; 0 when every bar holds."""
    wanted = chosen or [*ALONE, *SERVED]
    figures: list[Figure] = []
    gaps: list[NotMeasured] = []
    for name in wanted:
        if name in ALONE:
            try:
                figures += _said(ALONE[name]())
            except NotMeasured as gap:
                gaps.append(gap)
    if any(name in SERVED for name in wanted):
        with PrivateRabbitMQ() as broker, PrivatePostgres() as server:
            for name in wanted:
                if name in SERVED:
                    figures += _said(SERVED[name](broker, server))
    store(figures, RESULTS, not_measured=[name for missing in gaps for name in missing.names])
    print(f"\n{show(figures)}\n\n{RESULTS} is written")
    for missing in gaps:
        print(f"not measured: {missing}")
    return 0 if all(figure.holds for figure in figures) else 1


def _said(figures: list[Figure]) -> list[Figure]:
    for figure in figures:
        print(
            f"{figure.name}: {figure.value:g} {figure.unit} ({figure.bar}: {'yes' if figure.holds else 'NO'})"
        )
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
