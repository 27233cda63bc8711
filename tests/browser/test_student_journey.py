"""A student's whole way in a real browser: with a pointer, without JavaScript, and with the keyboard alone."""

import re
from secrets import token_hex

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.browsing import pictures
from tests.support.browsing.hands import Hands, Keyboard
from tests.support.site import Site


def test_a_student_books_two_seats_and_finds_the_certificate(visit: Visit, embedded: Site) -> None:
    hands = visit()
    page = hands.page
    title = f"Journey {token_hex(4)}"
    embedded.open_workshop(title)
    page.goto(f"{embedded.plan.site_url}/workshops")
    if isinstance(hands, Keyboard):
        hands.skip()
    hands.press(page.get_by_role("link", name=title))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    hands.pick(page.get_by_label("Seats"), "2")
    hands.press(page.get_by_role("button", name="Book"))

    give_wrong_details(hands)
    give_details(hands)
    change_the_second_attendee(hands)
    hands.press(page.get_by_role("button", name="Book and pay"))
    pay(hands, embedded)

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid: your seats are confirmed")
    pictures.take(page, "journey-paid")
    hands.press(page.get_by_role("link", name="Go to your booking"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your booking is confirmed")
    for name in ("Grace Hopper", "Katherine Johnson"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    hands.press(page.get_by_role("link", name=re.compile("certificate.*Katherine Johnson")))
    expect(page.get_by_role("heading", level=1)).to_have_text("Where is my certificate?")
    expect(page.get_by_role("main")).to_contain_text("Katherine Johnson")


def give_wrong_details(hands: Hands) -> None:
    page = hands.page
    expect(page).to_have_title(re.compile("^Your details"))
    hands.write(page.get_by_label("Given name").first, "Grace")
    hands.press(page.get_by_role("button", name="Continue").last)
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Given name").first).to_have_value("Grace")
    # From the summary straight to the field.
    hands.press(page.get_by_role("alert").get_by_role("link", name=re.compile("family name")).first)
    missing = page.get_by_role("textbox", name="Family name").first
    expect(missing).to_be_focused()
    expect(missing).to_have_attribute("aria-invalid", "true")


def give_details(hands: Hands) -> None:
    page = hands.page
    for index, (given, family) in enumerate((("Grace", "Hopper"), ("Katherine", "Jonson"))):
        person = page.get_by_role("group", name=f"Attendee {index + 1}")
        hands.write(person.get_by_label("Given name"), given)
        hands.write(person.get_by_label("Family name"), family)
        hands.write(person.get_by_label("E-mail address", exact=True), f"{given.lower()}@example.com")
    # Enter anywhere in the form goes forward.
    hands.send(page.get_by_label("Payer’s full name"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your answers")


def change_the_second_attendee(hands: Hands) -> None:
    page = hands.page
    hands.press(page.get_by_role("button", name="Change attendee 2"))
    name = page.get_by_role("group", name="Attendee 2").get_by_label("Family name")
    expect(name).to_have_value("Jonson")
    hands.write(name, "Johnson")
    hands.press(page.get_by_role("button", name="Continue").last)
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your answers")
    expect(page.get_by_role("main")).to_contain_text("Katherine Johnson")


def pay(hands: Hands, embedded: Site) -> None:
    page = hands.page
    expect(page).to_have_url(re.compile(f"^{embedded.plan.stripe_url}/c/pay/"))
    fill_in_card(hands, "4000000000000002")
    expect(page.get_by_role("alert")).to_contain_text("declined")
    pictures.take(page, "journey-declined")
    fill_in_card(hands, "4242424242424242")
    expect(page).to_have_url(re.compile(f"^{embedded.plan.site_url}/pay/return/"))


def fill_in_card(hands: Hands, number: str) -> None:
    page: Page = hands.page
    hands.write(page.get_by_label("Card number"), number)
    hands.write(page.get_by_label("Name on card"), "Grace Hopper")
    hands.press(page.get_by_role("button", name="Pay"))
