"""The API's documentation in a browser: Swagger UI from our own bundle, readable, and usable as it stands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.sandbox.serving import Serving
from shared.db import migrate
from shared.web.app import create_web
from tests.factories.services import composed
from tests.support.browsing.faults import axe_faults, width_faults
from tests.support.browsing.watch import Watch


@pytest.fixture(
    scope="module",
    # The pages are one template; the largest of them is looked at in every run.
    params=[
        "enrollment",
        pytest.param("payment", marks=pytest.mark.long),
        pytest.param("certification", marks=pytest.mark.long),
    ],
)
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where one service's documentation is."""
    service = composed(request.param, Path(tmp_path_factory.mktemp("service")))
    migrate.upgrade(service.engine, service.migrations, service.metadata)
    if service.seed is not None:
        service.seed(service)
    serving = Serving("127.0.0.1", 0)
    serving.start(create_web(service))
    yield f"{serving.url}/{service.name}/docs"
    serving.stop()
    service.engine.dispose()


DESK, PHONE = (1280, "light"), (320, "dark")


@pytest.fixture(
    params=[
        pytest.param(DESK, id="desk"),
        # Swagger's page changes with its release only.
        pytest.param(PHONE, id="phone in the dark", marks=pytest.mark.long),
        pytest.param((1280, "dark"), id="desk in the dark", marks=pytest.mark.long),
        pytest.param((320, "light"), id="phone", marks=pytest.mark.long),
    ]
)
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """The page; afterwards nothing may have been wrong with what the browser did."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watch = Watch(context, own=[address])
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".opblock").first).to_be_visible(timeout=30_000)
    yield page
    context.close()
    assert watch.faults() == []


@pytest.mark.long
def test_it_has_no_fault_closed_or_open(page: Page, address: str) -> None:
    assert axe_faults(page) + width_faults(page) == []
    for operation in page.locator(".opblock-summary-control").all():
        operation.click()
    expect(page.locator(".responses-wrapper").last).to_be_visible()
    assert axe_faults(page) + width_faults(page) == []


def test_the_kinds_of_problems_have_no_fault(page: Page, address: str) -> None:
    page.goto(f"{address}/problems#idempotency-key-missing")
    expect(page.get_by_role("heading", name="Idempotency key missing")).to_be_in_viewport()
    assert axe_faults(page) + width_faults(page) == []


@pytest.mark.parametrize("address", ["enrollment"], indirect=True)
@pytest.mark.parametrize("page", [DESK], indirect=True)
def test_a_request_can_be_tried_twice_as_it_stands(page: Page) -> None:
    page.locator("#operations-Bookings-place_booking .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    text = page.locator("textarea.body-param__text")
    asked: dict[str, Any] = json.loads(text.input_value())
    workshops = page.evaluate("fetch('/enrollment/api/workshops').then(answer => answer.json())")
    asked["workshop_id"] = workshops["workshops"][0]["workshop_id"]
    del asked["expected_amount_minor"]
    text.fill(json.dumps(asked))
    keys = set()
    for _ in range(2):
        with page.expect_response("**/bookings") as answer:
            page.get_by_role("button", name="Execute").click()
        assert answer.value.status == 201
        assert "idempotent-replayed" not in answer.value.headers
        keys.add(answer.value.request.headers["idempotency-key"])
    assert len(keys) == 2
