"""What trainers, finance and operations do all day, in a real browser: pointer, no JavaScript, keyboard alone."""

import re
from pathlib import Path
from secrets import token_hex

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.support.browsing.hands import Hands, Keyboard
from tests.support.in_process import PASSWORD
from tests.support.regulars import Regulars
from tests.support.site import Site


def answer(person: Locator, question: str, word: str) -> Locator:
    """The radio button of a decision about somebody."""
    return person.get_by_role("group", name=re.compile(f"^{question}")).get_by_label(word, exact=True)


def sign_in(hands: Hands, site: Site, role: str, wanted: str) -> None:
    page = hands.page
    page.goto(site.plan.site_url + wanted)
    expect(page.get_by_role("heading", level=1)).to_have_text("Staff sign-in")
    hands.write(page.get_by_label("E-mail address"), f"{role}@example.com")
    hands.write(page.get_by_label("Password"), "wrong")
    hands.send(page.get_by_label("Password"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("E-mail address")).to_have_value(f"{role}@example.com")
    hands.write(page.get_by_label("Password"), PASSWORD)
    hands.send(page.get_by_label("Password"))
    expect(page).to_have_url(site.plan.site_url + wanted)
    if isinstance(hands, Keyboard):
        hands.skip()


def test_a_trainer_records_a_workshop_and_completes_it(
    visit: Visit, embedded: Site, regulars: Regulars
) -> None:
    hands = visit()
    page = hands.page
    title = f"Roster {token_hex(4)}"
    workshop_id = embedded.open_workshop(title)
    regulars.pay(regulars.book(workshop_id, ("Ada", "Lovelace"), ("Charles", "Babbage")))
    regulars.wait_until_over(workshop_id)

    sign_in(hands, embedded, "trainer", "/trainer")
    hands.press(page.get_by_role("link", name=title))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    hands.press(page.get_by_role("button", name="Everyone present"))
    expect(page.get_by_role("status").first).to_contain_text("present")
    ada = page.get_by_role("group", name="Ada Lovelace")
    charles = page.get_by_role("group", name="Charles Babbage")
    # One was not there on the second day.
    hands.write(charles.get_by_label(re.compile("^Block 2")), "0")
    hands.press(page.get_by_role("button", name="Save and complete"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Ada Lovelace")
    for person, understood in ((ada, "Yes"), (charles, "No")):
        hands.choose(answer(person, "Took part", "Yes"))
        hands.choose(answer(person, "Understood", understood))
    expect(charles.get_by_label(re.compile("^Block 2"))).to_have_value("0")
    hands.press(page.get_by_role("button", name="Save and complete"))
    expect(page.get_by_role("status").first).to_contain_text("completed")
    results = page.get_by_role("main")
    expect(results).to_contain_text("Not eligible")
    hands.press(page.get_by_role("link", name="Attendance list to print"))
    expect(page.get_by_role("row", name=re.compile("Charles Babbage"))).to_contain_text("0 of 420 min")


def test_finance_finds_what_needs_attention(
    visit: Visit, embedded: Site, regulars: Regulars, tmp_path: Path
) -> None:
    hands = visit()
    page = hands.page
    workshop_id = embedded.open_workshop(f"Money {token_hex(4)}")
    fine = regulars.book(workshop_id, ("Ada", "Lovelace"))
    regulars.pay(fine)
    disputed = regulars.book(workshop_id, ("Charles", "Babbage"))
    regulars.dispute(regulars.pay(disputed))

    sign_in(hands, embedded, "finance", "/finance")
    bookings = page.get_by_role("table", name="Bookings", exact=True)
    expect(bookings).to_contain_text(fine["reference"])
    hands.pick(page.get_by_role("combobox", name="Show"), "Needs attention")
    hands.press(page.get_by_role("button", name="Show"))
    expect(page).to_have_url(re.compile("show=attention"))
    regulars.until(lambda: page.reload() is not None and page.get_by_text(disputed["reference"]).count() > 0)
    expect(bookings).to_contain_text(disputed["reference"])
    expect(page.get_by_text(fine["reference"])).to_have_count(0)
    hands.press(page.get_by_role("link", name="Show all bookings"))
    hands.write(page.get_by_role("searchbox", name="Reference, payer"), fine["reference"])
    hands.send(page.get_by_role("searchbox", name="Reference, payer"))
    expect(bookings.get_by_role("row")).to_have_count(2)
    with page.expect_download() as coming:
        hands.press(page.get_by_role("link", name="Download as CSV"))
    saved = tmp_path / coming.value.suggested_filename
    coming.value.save_as(saved)
    lines = saved.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert fine["reference"] in lines[1]
    hands.press(page.get_by_role("link", name=fine["reference"]))
    expect(page.get_by_role("heading", level=1)).to_contain_text(fine["reference"])
    expect(page.get_by_role("table", name=re.compile("^What happened"))).to_contain_text("ch_")
    expect(page.get_by_role("main")).to_contain_text("Covers the seats")


def test_operations_mend_what_failed(visit: Visit, embedded: Site, regulars: Regulars) -> None:
    hands = visit()
    page = hands.page
    workshop_id = embedded.open_workshop(f"Trouble {token_hex(4)}")
    booking = regulars.book(workshop_id, ("Ada", "Lovelace"), ("Charles", "Babbage"))
    regulars.pay(booking)
    regulars.wait_until_over(workshop_id)
    embedded.misbehave("server_error", on="any")
    regulars.complete(workshop_id)
    mended, given_up = (seat["enrollment_id"] for seat in booking["enrollments"])
    for enrollment_id in (mended, given_up):
        regulars.leave_failed(enrollment_id)
    regulars.mend_registry()

    sign_in(hands, embedded, "ops", "/certification/ops")
    expect(page.get_by_role("main")).to_contain_text("membership.activation_requested")
    open_failed(hands, mended)
    expect(page.get_by_role("main")).to_contain_text("500")
    hands.press(page.get_by_role("button", name="Retry now"))
    expect(page.get_by_text(re.compile("It runs again now|It ran again"))).to_be_visible()
    outcome = page.get_by_text("It ran again and was handled")
    regulars.until(lambda: page.reload() is not None and outcome.is_visible())

    hands.press(page.get_by_role("link", name="Certification", exact=True))
    open_failed(hands, given_up)
    hands.press(page.get_by_role("button", name="Discard"))
    expect(page.get_by_role("alert")).to_be_focused()
    hands.write(page.get_by_label("Reason for giving it up"), "Settled by hand with the Scrum Alliance")
    hands.press(page.get_by_role("button", name="Discard"))
    expect(page.get_by_role("status").first).to_contain_text("Discarded")
    expect(page.get_by_role("main")).to_contain_text("Settled by hand with the Scrum Alliance")


def open_failed(hands: Hands, enrollment_id: str) -> None:
    """Search by a business id, and open the message about it that failed."""
    page = hands.page
    hands.write(page.get_by_label("Find what happened, by an id"), enrollment_id)
    hands.send(page.get_by_label("Find what happened, by an id"))
    expect(page.get_by_role("heading", level=1)).to_have_text("What happened in certification")
    failed = page.get_by_role("row", name=re.compile("activation_requested.*Retrying"))
    hands.press(failed.get_by_role("link", name="membership.activation_requested.v1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("activation_requested")
