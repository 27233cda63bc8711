"""The site as people see it: on a phone, on a desk, in the dark, with a reader, without JavaScript."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.in_process import PASSWORD, WholeSite, make_databases, whole_site
from tests.support.whole_story import Order, book, complete, end_workshop, pay, plan

LONG = {
    "given_name": "Maximiliane Alexandrina Wilhelmina",
    "family_name": "Hohenzollern-Sigmaringenschleswigholsteinsonderburgaugustenburg",
    "email": "a.really.long.address.of.somebody.with.many.names@subdomain.of.a.subsidiary.example.com",
}
LONG_TITLE = "Certified Scrum Product Owner for Rindfleischetikettierungsüberwachungsaufgaben and everybody"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    """The whole site, with one workshop that is over and one to come."""
    template, folder = tmp_path_factory.mktemp("template"), tmp_path_factory.mktemp("site")
    make_databases(template)
    with whole_site(template, Path(folder)) as site:
        yield site


@pytest.fixture(scope="module")
def orders(site: WholeSite) -> dict[str, Order]:
    """Bookings in every state a page tells of."""
    past = plan(site, title=LONG_TITLE)
    done = book(site, past, 2, attendees=[LONG, {**LONG, "email": "other@example.com"}])
    pay(site, done)
    end_workshop(site)
    complete(site, past)
    coming = plan(site, title=LONG_TITLE)
    expired = book(site, coming)
    site.pass_time(minutes=36)
    site.tick()
    confirmed, disputed = book(site, coming, 2), book(site, coming)
    pay(site, confirmed)
    site.stripe.pull("dispute/open", charge=pay(site, disputed))
    site.deliver()
    return {
        "done": done,
        "expired": expired,
        "confirmed": confirmed,
        "disputed": disputed,
        "held": book(site, coming, 2, payer_name=" ".join((LONG["given_name"], LONG["family_name"]))),
    }


def sign_in(page: Page, site: WholeSite, role: str, wanted: str) -> None:
    page.goto(f"{site.url}/staff/login?next={wanted}")
    page.get_by_label("E-mail address").fill(f"{role}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def has_no_fault(page: Page, where: str) -> None:
    """It fits on a phone and on a desk; axe minds nothing, and in the dark everything can be read."""
    for width, dark in ((320, False), (1280, True)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            f"{where} at {width}"
        )
        found = Axe().run(page, options={"runOnly": ["color-contrast"]} if dark else None)
        assert found.violations_count == 0, f"{where} at {width}: {found.generate_report()}"


def test_a_student_books_and_pays_on_a_phone_without_javascript(
    open_page: Callable[..., Page], site: WholeSite
) -> None:
    plan(site, title="Pocket workshop")
    page = open_page(width=320, javascript=False)
    page.goto(site.url)
    page.get_by_role("link", name="See the workshops").click()
    page.get_by_role("link", name="Pocket workshop").click()
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("textbox")).to_have_count(4)
    page.get_by_label("Given name").fill("Grace")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_role("link", name="Enter the family name.").click()
    page.get_by_label("Family name").fill("Hopper")
    page.get_by_label("E-mail address", exact=True).fill("grace@example.com")
    page.get_by_text("Somebody else pays").click()
    page.get_by_label("Payer’s full name").fill("Pia Payer")
    page.get_by_label("Payer’s e-mail address").fill("pia@example.com")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your answers")
    page.get_by_role("button", name="Change who pays").click()
    expect(page.get_by_label("Given name")).to_have_value("Grace")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Book and pay").click()
    expect(page).to_have_url(re.compile(f"^{site.stripe.url}/c/pay/"))
    page.get_by_label("Name on card").fill("Pia Payer")
    page.get_by_role("button", name="Pay").click()
    # Without JavaScript a header leads from "received" to "confirmed", as soon as the news is carried.
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Paid: your seats are confirmed", timeout=10_000
    )
    page.get_by_role("link", name="Go to your booking").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your booking is confirmed")
    expect(page.get_by_role("main")).to_contain_text("Grace Hopper")


def test_a_trainer_plans_and_publishes_without_javascript(
    open_page: Callable[..., Page], site: WholeSite
) -> None:
    page = open_page(width=320, javascript=False)
    sign_in(page, site, "trainer", "/trainer")
    page.get_by_role("link", name="Plan a workshop").click()
    page.get_by_label("Course").select_option(
        label="Certified ScrumMaster (CSM), at least 16\N{NO-BREAK SPACE}h"
    )
    page.get_by_label("Title").fill("Planned on a phone")
    page.get_by_role("radio", name="In person").check()
    page.get_by_label("Venue").fill("Lindenhof")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    for number, day in ((1, "2030-05-06"), (2, "2030-05-07")):
        block = page.get_by_role("group", name=f"Block {number}")
        block.get_by_label("Day").fill(day)
        block.get_by_label("Starts").fill("09:00")
        block.get_by_label("Ends").fill("17:00")
        block.get_by_label("Breaks").fill("60")
    page.get_by_label("Seats").fill("8")
    page.get_by_label("Price").fill("990")
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_role("alert")).to_contain_text("120 minutes are missing")
    page.get_by_role("button", name="Add another block").click()
    third = page.get_by_role("group", name="Block 3")
    expect(third.get_by_label("Day")).to_have_value("2030-05-08")
    third.get_by_label("Ends").fill("12:00")
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_role("status")).to_contain_text("The workshop is published")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.url}/workshops")
    expect(page.get_by_role("link", name="Planned on a phone")).to_be_visible()


def test_what_everybody_sees_has_no_fault(
    open_page: Callable[..., Page], site: WholeSite, orders: dict[str, Order]
) -> None:
    page = open_page()
    workshop = site.api("GET", "/enrollment/api/workshops").json()["workshops"][-1]["workshop_id"]
    done, held = orders["done"], orders["held"]
    for where in (
        "/",
        "/workshops",
        f"/workshops/{workshop}",
        f"/workshops/{workshop}/book?seats=3",
        *(order.booking_url for order in orders.values()),
        orders["expired"].pay_url,
        orders["disputed"].pay_url,
        *(order.certificate_urls[0] for order in orders.values()),
        f"{done.certificate_urls[0]}/attendance",
        f"{held.certificate_urls[0]}/attendance",
        "/pay/cancelled",
        "/bookings/nonsense",
        f"/bookings/{site.token('booking', uuid4())}",
        "/nowhere",
        "/staff/login",
        "/enrollment/docs/problems",
    ):
        page.goto(where if where.startswith("http") else site.url + where)
        has_no_fault(page, where)
    page.goto(f"{site.url}/workshops/{workshop}/book?seats=2")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    has_no_fault(page, "details with errors")


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("trainer", ("/trainer", "/trainer/workshops/new", "/finance")),
        ("admin", ("/staff", "/trainer")),
        ("finance", ("/finance", "/finance?show=attention", "/finance?q=nothing")),
        (
            "ops",
            (
                "/certificates/activations?state=",
                "/enrollment/ops",
                "/payment/ops",
                "/certification/ops",
                "/enrollment/ops/messages?state=handled",
                "/payment/ops/messages?q=nothing",
            ),
        ),
    ],
)
def test_what_staff_see_has_no_fault(
    open_page: Callable[..., Page],
    site: WholeSite,
    orders: dict[str, Order],
    role: str,
    paths: tuple[str, ...],
) -> None:
    page = open_page()
    sign_in(page, site, role, paths[0])
    for path in paths:
        page.goto(site.url + path)
        has_no_fault(page, f"{path} for {role}")
    # One page deeper, where the list leads to.
    lists = {
        "trainer": ("/trainer", "/trainer/workshops/"),
        "finance": ("/finance", "/finance/bookings/"),
        "ops": ("/certificates/activations?state=", "/certificates/activations/"),
    }
    if role not in lists:
        return
    start, deeper = lists[role]
    page.goto(site.url + start)
    found = page.locator(f"main table a[href^='{deeper}']").evaluate_all("all => all.map(one => one.href)")
    assert found
    for address in dict.fromkeys((found[0], found[-1])):
        page.goto(address)
        has_no_fault(page, f"{deeper}… for {role}")
        if role == "trainer":
            page.goto(f"{address}/print")
            has_no_fault(page, "the printed roster")
