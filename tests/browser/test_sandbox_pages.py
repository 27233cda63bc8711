"""The pages of the Scrum Alliance and the mailbox, as people see them: narrow, without JavaScript, with a reader."""

import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from axe_playwright_python.sync_playwright import Axe
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


@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_fits_and_has_nothing_that_axe_minds(
    open_page: Callable[..., Page], registry: ScrumAlliance, post: PostOffice, width: int
) -> None:
    page = open_page(width=width)

    def look(url: str) -> None:
        page.goto(url)
        assert fits(page), f"{url} is wider than {width}"
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    for url in (post.url, registry.url, f"{registry.url}/activate/nobody", f"{post.url}/messages/9"):
        look(url)
    registry.submit(family_name=LONG, email="a.very.long.address.of.somebody@subdomain.example.com")
    registry.submit(reference="018f6f0e-7b1a-7c2d-9e3f-000000000001:1", course_code="CSM")
    registry.behave(behaviour="slow", times=3)
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@b.example", "c@d.example", LONG.replace(" ", "-")
    letter.set_content("http://127.0.0.1:8000/bookings/" + "a1b2" * 60)
    letter.add_alternative("<h1>" + "wide" * 60 + "</h1>", subtype="html")
    with smtplib.SMTP("127.0.0.1", post.smtp_port, timeout=5) as smtp:
        smtp.send_message(letter)
    wait_until(lambda: len(post.messages()) == 3)
    (shown,) = post.messages("c@d.example")
    before = registry.activation_url()
    for url in (post.url, f"{post.url}/messages/{shown['id']}", registry.url, before):
        look(url)
    page.get_by_role("button", name="Accept the licence").click()
    look(before)
    page.goto(f"{post.url}/messages/{shown['id']}")
    for summary in page.locator("summary").all():
        summary.click()
    assert fits(page)
