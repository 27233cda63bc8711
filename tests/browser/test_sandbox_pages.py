"""The pages of the Scrum Alliance and the mailbox, as people see them: narrow, without JavaScript, with a reader."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.sandboxes import PostOffice, ScrumAlliance, mailbox_sandbox, scrum_alliance_sandbox
from tests.support.stripe_sandbox import wait_until

LONG = "Maximiliane-Alexandrina-Wilhelmina von und zu Hohenzollern-Sigmaringen"


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with mailbox_sandbox() as running:
        yield running


@pytest.fixture
def registry(post: PostOffice) -> Iterator[ScrumAlliance]:
    with scrum_alliance_sandbox(smtp_port=post.smtp_port) as running:
        yield running


def fits(page: Page) -> bool:
    """Nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_student_activates_on_a_phone_without_javascript(
    open_page: Callable[..., Page], registry: ScrumAlliance, post: PostOffice
) -> None:
    registry.submit(family_name=LONG, course_code="CSM")
    wait_until(lambda: bool(post.messages()))
    page = open_page(width=320, javascript=False)
    page.goto(post.url)
    page.get_by_role("link", name="Activate your membership").click()
    page.get_by_role("link", name=registry.url).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activate your membership")
    expect(page.get_by_role("main")).to_contain_text(LONG)
    page.get_by_role("button", name="Accept the licence").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your membership is active")
    assert registry.look_up()[0]["status"] == "activated"
    page.goto(registry.url)
    page.get_by_role("button", name="Pass the exam").click()
    expect(page.get_by_text("Nothing to do")).to_be_visible()
    page.get_by_label("Misbehave").select_option("server_error")
    page.get_by_role("button", name="Do it").click()
    assert registry.submit(reference="ref-2").status_code == 500
