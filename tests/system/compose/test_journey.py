"""The main job through the containers while they are killed and restarted: nothing lost, nothing twice."""

import itertools
import random
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.support.compose_site import RUNNING, WEBS, WORKERS, ComposeSite
from tests.support.load import Load
from tests.support.truth import Truth

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose"), pytest.mark.timeout(1800)]

PATIENCE = 180.0


def story(site: ComposeSite, *, before: Callable[[str], None] = lambda step: None) -> None:
    """Catalogue to activated; it raises unless there is one charge, one submission, and no message left."""
    site.story(workshop_id=site.open_workshop(), before=before, patience=PATIENCE).run()
    site.project.wait_until_well()
    assert set(site.unhandled().values()) == {0}
    assert set(site.unpublished().values()) == {0}


def test_from_the_catalogue_to_the_membership(site: ComposeSite) -> None:
    charges, accepted = _counted(site)
    story(site)
    assert _counted(site) == (charges + 1, accepted + 1)


def test_the_broker_is_killed_in_the_middle(site: ComposeSite) -> None:
    killed = []

    def kill(step: str) -> None:
        if step in ("pay", "complete"):
            site.kill("rabbitmq")
            killed.append(step)

    story(site, before=kill)
    assert killed == ["pay", "complete"]


def test_the_shop_is_open_while_the_broker_is_away(site: ComposeSite) -> None:
    workshop = site.open_workshop(capacity=100)
    shop = Load(site.plan, workshop)
    with site.project.stopped("rabbitmq"):
        booked = [shop.book() for _ in range(3)]
    # Buyers wait on a page that says "one moment" until the broker carries the bookings on.
    for each in booked:
        assert each is not None, shop.heard
        shop.pay(*each)
    _settle(site)
    report = Truth(site.plan, workshop).check(shop.heard.booked, shop.heard.paid)
    assert report.problems == []
    assert (shop.heard.errors, len(shop.heard.paid)) == ([], 3)


def test_each_worker_is_killed_at_each_step(site: ComposeSite) -> None:
    turns = itertools.cycle(WORKERS)
    killed = []

    def kill(step: str) -> None:
        if step in ("confirm", "pay", "return", "complete", "activate"):
            killed.append(next(turns))
            site.kill(killed[-1])

    story(site, before=kill)
    assert set(killed) == set(WORKERS)


def test_everything_is_restarted_in_a_random_order(site: ComposeSite) -> None:
    seed = random.SystemRandom().randrange(10**6)
    done: list[list[str]] = []

    def restart(step: str) -> None:
        if step in ("confirm", "complete"):
            done.append(site.restart_in_random_order(RUNNING, seed + len(done)))

    story(site, before=restart)
    assert [sorted(order) for order in done] == [sorted(RUNNING)] * 2, f"seed {seed}: {done}"


def test_a_rolling_restart_under_load(
    site: ComposeSite, record_property: Callable[[str, object], None]
) -> None:
    """Two containers per web service, every container restarted while people book and pay."""
    workshop = site.open_workshop(capacity=500)
    site.scale(WEBS, 2)
    try:
        with Load(site.plan, workshop) as load:
            load.wait_for(5)
            restarted = site.roll([*WEBS, *WORKERS])
            load.wait_for(5)
    finally:
        site.scale(WEBS, 1)
    heard = load.heard
    record_property("requests", heard.requests)
    record_property("bookings", len(heard.booked))
    print(
        f"{len(restarted)} restarts, {heard.requests} requests, {len(heard.booked)} bookings, {heard.errors}"
    )

    assert len(restarted) == 2 * len(WEBS) + len(WORKERS)
    assert heard.errors == [], "no buyer notices"
    assert len(heard.paid) == len(heard.booked)
    _settle(site)
    truth = Truth(site.plan, workshop)
    assert truth.check(heard.booked, heard.paid).problems == []
    site.complete(workshop)
    _settle(site)
    assert truth.check(heard.booked, heard.paid, completed=True).problems == []

    # The checker can see: a booking that was said yes to and is nowhere, and one that nobody asked for.
    stranger, known = uuid4(), next(iter(heard.booked))
    assert f"lost: booking {stranger}" in truth.check({*heard.booked, stranger}, heard.paid).problems
    assert f"unexpected: booking {known}" in truth.check({*heard.booked} - {known}, set()).problems


def test_buyers_notice_when_the_only_container_of_a_service_restarts(site: ComposeSite) -> None:
    """The negative control of the rolling restart: errors are seen and counted."""
    with Load(site.plan, site.open_workshop(capacity=500)) as load:
        load.wait_for(2)
        for _ in range(5):
            # The gap is short: the two buyers may both be at their payments just then.
            site.roll(["enrollment-web"])
            load.wait_for(2)
            if load.heard.errors:
                break
    assert load.heard.errors != []
    _settle(site)


def _counted(site: ComposeSite) -> tuple[int, int]:
    charges, accepted = site.stripe_counters()["charges_by_reference"], site.registry_counters()["accepted"]
    assert isinstance(charges, dict)
    assert isinstance(accepted, int)
    assert set(charges.values()) <= {1}
    return len(charges), accepted


def _settle(site: ComposeSite) -> None:
    """Wait until every message is published and handled."""
    site.project.wait_until_well()
    site.wait_until_quiet(PATIENCE)
