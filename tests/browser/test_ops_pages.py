"""Ops pages with something to mend: on a phone and on a desk, live with JavaScript and by a reload without."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.db.engine import write_connection
from shared.ids import new_id
from shared.messaging.inbox import Failure, new_row, store_dead, store_failed
from shared.messaging.subscriptions import RetryPolicy
from tests.support.in_process import PASSWORD, WholeSite, make_databases, whole_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    """The whole site, driven by hand."""
    template = tmp_path_factory.mktemp("template")
    make_databases(template)
    with whole_site(template, Path(tmp_path_factory.mktemp("site"))) as site:
        yield site


def sign_in(page: Page, site: WholeSite, wanted: str) -> None:
    page.goto(f"{site.url}/staff/login?next={wanted}")
    page.get_by_label("E-mail address").fill("ops@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


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
        # Due long after this test: on a slow machine it must not be tried before the button is pressed.
        store_failed(connection, broken, failure, RetryPolicy(steps=(3600.0,)))
    return f"/payment/ops/groups/{fingerprint}?type={type}"


@pytest.mark.parametrize("javascript", [True, False])
def test_a_group_is_retried_and_its_result_read_back(
    open_page: Callable[..., Page], site: WholeSite, javascript: bool
) -> None:
    address = fail_in_the_same_way(site, "charge.succeeded", 4, "KeyError: 'amount'")
    page = open_page(width=320 if javascript else 1280, javascript=javascript)
    sign_in(page, site, "/payment/ops")
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
    sign_in(page, site, "/payment/ops")
    page.goto(site.url + address)
    page.get_by_role("button", name="Discard all 3").click()
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_label("Reason for giving them up").fill("Settled by hand")
    page.get_by_role("button", name="Discard all 3").click()
    expect(page.get_by_role("status")).to_contain_text("3 messages discarded")
    expect(page.get_by_role("main")).to_contain_text("Settled by hand")
