"""Somebody on a phone without JavaScript: books one seat that somebody else pays for, plans a workshop."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.in_process import PASSWORD
from tests.support.site import Site


@pytest.mark.long
def test_a_student_books_and_pays_on_a_phone_without_javascript(
    open_page: Callable[..., Page], embedded: Site
) -> None:
    embedded.open_workshop("Pocket workshop")
    page = open_page(width=320, javascript=False)
    page.goto(f"{embedded.plan.site_url}/workshops")
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
    expect(page).to_have_url(re.compile(f"^{embedded.plan.stripe_url}/c/pay/"))
    page.get_by_label("Name on card").fill("Pia Payer")
    page.get_by_role("button", name="Pay").click()
    # Without JavaScript a header leads from "received" to "confirmed", as soon as the news is carried.
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid: your seats are confirmed")
    page.get_by_role("link", name="Go to your booking").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your booking is confirmed")
    expect(page.get_by_role("main")).to_contain_text("Grace Hopper")


def test_a_trainer_plans_and_publishes_without_javascript(
    open_page: Callable[..., Page], embedded: Site
) -> None:
    page = open_page(width=320, javascript=False)
    page.goto(f"{embedded.plan.site_url}/trainer")
    page.get_by_label("E-mail address").fill("trainer@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
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
    page.goto(f"{embedded.plan.site_url}/workshops")
    expect(page.get_by_role("link", name="Planned on a phone")).to_be_visible()
