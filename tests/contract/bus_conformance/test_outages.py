"""The carrier or a database goes away, and comes back."""

import threading
import time

from tests.contract.bus_conformance.harness import Site, eventually, parcels
from tests.contract.bus_conformance.subject import (
    NAMES,
)


def test_confirmed_means_durable(breakable: Site) -> None:
    site = breakable
    sent = parcels(300)
    site.say(*sent)
    process = site.spawn("source")
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    if site.embedded:
        site.kill(process)
    else:
        with site.carrier_away():
            pass
    site.start("left")
    site.expect_counted("left", sent, 60)


def test_the_carrier_goes_away_and_comes_back(breakable: Site) -> None:
    site = breakable
    for name in NAMES:
        site.start(name)
    before, during = parcels(20), parcels(20)
    site.say(*before)
    site.expect_counted("right", before)
    with site.carrier_away():
        site.say(*during)
        time.sleep(1)
        assert site.waiting_in_outbox() == 20
    for name in ("left", "right"):
        site.expect_counted(name, [*before, *during], 60)
    site.expect_states("right", handled=40)


def test_the_database_goes_away_and_comes_back(breakable: Site) -> None:
    site = breakable
    worker = site.start("left")
    before, during = parcels(200), parcels(200)
    site.carry(*(site.message(one) for one in before))
    # The embedded bus writes into the very file that is away, so that it waits as well.
    carrying = threading.Thread(target=site.carry, args=[site.message(one) for one in during])
    with site.database_away("left"):
        carrying.start()
        time.sleep(1.5)
    carrying.join(60)
    site.expect_counted("left", [*before, *during], 60)
    site.expect_states("left", handled=400)
    assert worker.alive()
    assert {row.attempts for row in site.inbox("left")} == {1}
