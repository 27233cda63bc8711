"""The timeline of one booking in each service: everything in and out, in order, with what caused it."""

import re
from itertools import pairwise

import pytest

from shared.db.engine import read_connection
from shared.messaging.timeline import Entry, Timeline, timeline
from tests.support.in_process import WholeSite
from tests.support.whole_story import Order, activate, book, complete, end_workshop, pay, plan


@pytest.fixture(scope="module")
def order(shared_rostrum: WholeSite) -> Order:
    """A booking that went all the way."""
    workshop = plan(shared_rostrum)
    order = book(shared_rostrum, workshop)
    pay(shared_rostrum, order)
    end_workshop(shared_rostrum)
    complete(shared_rostrum, workshop)
    activate(shared_rostrum)
    return order


def of(site: WholeSite, name: str, reference: str) -> Timeline:
    service = site.services[name]
    with read_connection(service.engine) as connection:
        return timeline(connection, service.reader, reference)


def told(entries: Timeline) -> list[tuple[str, str]]:
    return [("in" if entry.incoming else "out", entry.type) for entry in entries.entries]


def entry_of(found: Timeline, type: str, *, incoming: bool = True) -> Entry:
    (entry,) = [e for e in found.entries if e.type == type and e.incoming is incoming]
    return entry


def test_each_service_tells_its_part_in_order(shared_rostrum: WholeSite, order: Order) -> None:
    booking = str(order.booking_id)
    enrollment = told(of(shared_rostrum, "enrollment", booking))
    payment = told(of(shared_rostrum, "payment", booking))
    certification = told(of(shared_rostrum, "certification", booking))
    for said, heard, type in (
        (enrollment, payment, "booking.placed.v1"),
        (payment, enrollment, "payment.confirmed.v1"),
        (enrollment, certification, "booking.confirmed.v1"),
        (certification, enrollment, "membership.activated.v1"),
    ):
        assert ("out", type) in said
        assert ("in", type) in heard
    assert enrollment[0] == ("out", "booking.placed.v1")
    assert payment.index(("in", "booking.placed.v1")) < payment.index(("out", "checkout.opened.v1"))
    assert payment.index(("in", "charge.succeeded")) < payment.index(("out", "payment.confirmed.v1"))
    assert certification.index(("in", "enrollment.assessed.v1")) < certification.index(
        ("out", "membership.activation_requested.v1")
    )


def test_times_are_real_although_business_time_was_moved_by_days(
    shared_rostrum: WholeSite, order: Order
) -> None:
    for name in ("enrollment", "payment", "certification"):
        found = of(shared_rostrum, name, str(order.booking_id))
        assert all(a.at <= b.at for a, b in pairwise(found.entries))
        assert (found.entries[-1].at - found.entries[0].at).total_seconds() < 600
        assert all(entry.took is not None for entry in found.entries)


def test_states_reactions_causes_and_correlation(shared_rostrum: WholeSite, order: Order) -> None:
    found = of(shared_rostrum, "certification", str(order.enrollment_ids[0]))
    task = entry_of(found, "membership.activation_requested.v1")
    assert (task.state, task.is_task, task.reaction) == ("handled", True, "submit_membership")
    said = entry_of(found, "membership.activation_requested.v1", incoming=False)
    assert (said.state, said.message_id) == ("published", task.message_id)
    assessed = entry_of(found, "enrollment.assessed.v1")
    assert (assessed.is_task, assessed.reaction) == (False, "record_assessment")
    assert said.causation_id == assessed.message_id
    submitted = entry_of(found, "membership.submitted.v1", incoming=False)
    assert submitted.causation_id == task.message_id
    assert submitted.correlation_id == task.correlation_id == assessed.correlation_id
    assert set(found.correlations) >= {task.correlation_id}


def test_the_page_links_messages_causes_and_the_other_services(
    shared_rostrum: WholeSite, order: Order
) -> None:
    ops = shared_rostrum.staff("ops")
    booking = str(order.booking_id)
    ops.open(f"{shared_rostrum.url}/payment/ops")
    ops.submit({"q": booking}, having="q")
    assert ops.url.endswith(f"/payment/ops/timeline?q={booking}")
    page = ops.answer.text
    for other in ("enrollment", "certification"):
        assert f"/{other}/ops/timeline?q={booking}" in page
    assert "task close_payment_page" not in page
    assert re.search(r'because of <a href="#m-\d+">booking\.<wbr>placed', page) is None
    assert re.search(r'because of <a href="#m-\d+">', page)
    for address in set(re.findall(r'href="(/payment/ops/(?:messages|published)/[^"]+)"', page)):
        ops.open(shared_rostrum.url + address)
        assert ops.status == 200
        assert f"/payment/ops/timeline?q={booking}" in ops.answer.text
    assert "Pia Payer" not in page


def test_an_id_nobody_names_says_what_to_do(shared_rostrum: WholeSite, order: Order) -> None:
    ops = shared_rostrum.staff("ops")
    ops.open(f"{shared_rostrum.url}/payment/ops/timeline")
    assert "Enter an id above" in ops.text
    ops.open(f"{shared_rostrum.url}/payment/ops/timeline?q={order.reference}")
    assert "Nothing in payment names this id" in ops.text
    assert "/certification/ops/timeline" in ops.answer.text
