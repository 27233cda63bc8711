"""Ops pages with something to mend: on a phone and on a desk, live with JavaScript and by a reload without."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.db.engine import write_connection
from shared.ids import new_id
from shared.messaging.depth_history import record
from shared.messaging.inbox import Failure, new_row, store_dead, store_failed
from shared.messaging.subscriptions import RetryPolicy
from tests.browser.test_pages import has_no_fault, sign_in
from tests.support.in_process import WholeSite, make_databases, whole_site
from tests.support.whole_story import Order, book, complete, end_workshop, pay, plan

LONG = "a_very_long_name_without_any_space_that_some_program_made_up_for_a_field_of_the_other_system" * 2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    """The whole site, driven by hand."""
    template = tmp_path_factory.mktemp("template")
    make_databases(template)
    with whole_site(template, Path(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.fixture(scope="module")
def order(site: WholeSite) -> Order:
    """A booking whose name was submitted."""
    workshop = plan(site)
    order = book(site, workshop)
    pay(site, order)
    end_workshop(site)
    complete(site, workshop)
    return order


def fail_in_the_same_way(site: WholeSite, type: str, count: int, error: str) -> str:
    """Messages that payment could not handle, but can now; gives their group's address."""
    fingerprint = new_id().hex[:16]
    failure = Failure(kind="failed", error=error, fingerprint=fingerprint)
    with write_connection(site.services["payment"].engine) as connection:
        for _ in range(count):
            message_id = f"evt_{new_id().hex}"
            body = {"id": message_id, "type": type, "created": 1, "data": {"object": {}}}
            row = new_row(
                consumer="stripe",
                message_id=message_id,
                type=type,
                payload=json.dumps(body),
                correlation_id=str(new_id()),
            )
            store_dead(connection, row, failure)
        broken = new_row(
            consumer="stripe", message_id=f"evt_{new_id().hex}", type=type, payload="{}", correlation_id=None
        )
        store_failed(connection, broken, failure, RetryPolicy())
    return f"/payment/ops/groups/{fingerprint}?type={type}"


@pytest.mark.parametrize("javascript", [True, False])
def test_a_group_is_retried_and_its_result_read_back(
    open_page: Callable[..., Page], site: WholeSite, javascript: bool
) -> None:
    address = fail_in_the_same_way(site, "charge.succeeded", 4, "KeyError: 'amount'")
    page = open_page(width=320 if javascript else 1280, javascript=javascript)
    sign_in(page, site, "ops", "/payment/ops")
    page.get_by_role("link", name="KeyError: 'amount'").first.click()
    expect(page).to_have_url(site.url + address)
    # From now on only the test says when something is worked off.
    site.prompt = False
    try:
        page.get_by_role("button", name="Retry all 5 now").click()
        result = page.get_by_role("region", name="What came of it")
        expect(result).to_contain_text("5 messages retried: 5 still to run")
        stop = page.get_by_role("button", name="stop that")
        expect(stop).to_have_count(1 if javascript else 0)
        site.carry()
        if not javascript:
            expect(result).to_contain_text("5 still to run")
            page.get_by_role("link", name="Look again").click()
    finally:
        site.prompt = True
    expect(result).to_contain_text("5 messages retried: 1 failed again")
    expect(result.locator("dl")).to_contain_text(re.compile(r"Handled\s*4\s*Failed again\s*1\s*Waiting\s*0"))
    expect(result.get_by_role("table")).to_contain_text("Permanent")
    history = page.get_by_role("table", name="What was done about this group, newest first")
    expect(history.locator("td").nth(2)).to_have_text("4")
    # Nothing goes on in the background once it has ended.
    expect(stop).to_have_count(0)


def test_a_group_is_given_up_with_a_reason(open_page: Callable[..., Page], site: WholeSite) -> None:
    address = fail_in_the_same_way(site, "charge.updated", 2, "KeyError: 'currency'")
    page = open_page(javascript=False)
    sign_in(page, site, "ops", "/payment/ops")
    page.goto(site.url + address)
    page.get_by_role("button", name="Discard all 3").click()
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_label("Reason for giving them up").fill("Settled by hand")
    page.get_by_role("button", name="Discard all 3").click()
    expect(page.get_by_role("status")).to_contain_text("3 messages discarded")
    expect(page.get_by_role("main")).to_contain_text("Settled by hand")


def test_what_operations_see_has_no_fault(
    open_page: Callable[..., Page], site: WholeSite, order: Order
) -> None:
    address = fail_in_the_same_way(site, "charge.refunded", 3, f"KeyError: '{LONG}'")
    now = datetime.now(UTC)
    with write_connection(site.services["payment"].engine) as connection:
        for minutes in (50, 40, 12, 1, 0):
            values = {
                "outbox_size": minutes * 30,
                "outbox_age_seconds": minutes,
                "inbox_received": 0,
                "inbox_failed": 1,
                "inbox_dead": 123_456,
                "sampled_at": now - timedelta(minutes=minutes),
                "worker_started_at": now - timedelta(minutes=55 if minutes > 20 else 15),
            }
            record(connection, values, {"payment.inbox": 7, "payment.crashed": 0, "rostrum.unrouted": 0})
    page = open_page()
    sign_in(page, site, "ops", "/payment/ops")
    for path in (
        "/payment/ops",
        "/payment/ops/groups",
        address,
        "/payment/ops/groups/nothing?type=x",
        "/payment/ops/history",
        "/payment/ops/history?range=month",
        "/certification/ops/history",
        f"/payment/ops/timeline?q={order.booking_id}",
        f"/certification/ops/timeline?q={order.enrollment_ids[0]}",
        "/payment/ops/timeline",
        "/payment/ops/timeline?q=nothing",
    ):
        page.goto(site.url + path)
        has_no_fault(page, path)
    page.goto(f"{site.url}/payment/ops/history")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("cell", name="123456").first).to_be_visible()
    has_no_fault(page, "history as a table")
    page.goto(f"{site.url}/payment/ops/timeline?q={order.booking_id}")
    page.get_by_role("link", name="charge.succeeded").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("charge.succeeded")
    has_no_fault(page, "a message with its names")
