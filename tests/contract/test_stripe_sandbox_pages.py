"""The pages that people see: the hosted payment page and the dashboard, as they come over the wire."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.support.stripe_sandbox import Running, running

TYPED = {
    "email": "ann@example.com",
    "card_number": "4242424242424242",
    "card_expiry": "12/34",
    "card_cvc": "123",
    "name": "Ann Example",
}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as sandbox:
        yield sandbox


def get(sandbox: Running, path: str) -> requests.Response:
    """Open a page as a browser does."""
    return requests.get(sandbox.url + path, timeout=10)


def test_the_payment_page_says_what_is_paid_and_that_it_is_a_sandbox(sandbox: Running) -> None:
    session = sandbox.open_session(customer_email="ann@example.com")
    answer = get(sandbox, f"/c/pay/{session.id}")
    assert answer.status_code == 200
    for text in ("no money moves", "240.00 EUR", "2 × 120.00 EUR", "Certified Scrum Product Owner"):
        assert text in answer.text
    assert 'href="http://127.0.0.1:9/pay/cancelled"' in answer.text
    assert 'value="ann@example.com"' in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    # Browsers apply `form-action` to the redirect back to the shop as well.
    assert "form-action" not in policy
    for number in ("4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0000 0000 9995"):
        assert number in answer.text


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("email", "nobody", "Enter your e-mail address"),
        ("card_number", "4242424242424241", "Enter one of the test card numbers"),
        ("card_number", "", "Enter one of the test card numbers"),
        ("card_expiry", "13/34", "Enter the month and year"),
        ("card_expiry", "12/20", "This card has expired"),
        ("card_cvc", "12", "security code"),
        ("name", "  ", "Enter the name on the card"),
    ],
)
def test_what_was_typed_wrong_is_named_and_the_rest_is_kept(
    sandbox: Running, field: str, typed: str, message: str
) -> None:
    session = sandbox.open_session()
    answer = requests.post(f"{sandbox.url}/c/pay/{session.id}", {**TYPED, field: typed}, timeout=10)
    assert answer.status_code == 422
    assert re.search(rf'<a href="#{field}">[^<]*{message}', answer.text)
    assert "Error:" in answer.text[: answer.text.index("</title>")]
    kept = "name" if field != "name" else "email"
    assert f'value="{TYPED[kept]}"' in answer.text
    assert sandbox.client.v1.charges.list().data == []


def test_an_address_given_by_the_shop_cannot_be_changed_by_the_buyer(sandbox: Running) -> None:
    session = sandbox.open_session(customer_email="ann@example.com")
    changed = {**TYPED, "email": "eve@example.com"}
    requests.post(f"{sandbox.url}/c/pay/{session.id}", changed, timeout=10, allow_redirects=False)
    (charge,) = sandbox.client.v1.charges.list().data
    assert charge.billing_details.email == "ann@example.com"


def test_closed_pages_say_why_and_lead_back(sandbox: Running) -> None:
    expired = sandbox.open_session()
    sandbox.control("expire", {"session": expired.id})
    answer = get(sandbox, f"/c/pay/{expired.id}")
    assert (answer.status_code, "has expired" in answer.text) == (410, True)
    assert "http://127.0.0.1:9/pay/cancelled" in answer.text
    late = requests.post(f"{sandbox.url}/c/pay/{expired.id}", TYPED, timeout=10)
    assert (late.status_code, sandbox.client.v1.charges.list().data) == (410, [])
    paid = sandbox.open_session()
    sandbox.control("pay", {"session": paid.id})
    answer = get(sandbox, f"/c/pay/{paid.id}")
    assert (answer.status_code, "has been paid" in answer.text) == (200, True)
    assert f"http://127.0.0.1:9/pay/return/{paid.id}" in answer.text
    assert get(sandbox, "/c/pay/cs_test_none").status_code == 404


def test_hostile_names_stay_text(sandbox: Running) -> None:
    items = [
        {
            "price_data": {"currency": "eur", "unit_amount": 5000, "product_data": {"name": HOSTILE}},
            "quantity": 1,
        }
    ]
    session = sandbox.open_session(line_items=items, client_reference_id=HOSTILE)
    page = get(sandbox, f"/c/pay/{session.id}").text
    declined = {**TYPED, "name": f'"{HOSTILE}', "card_number": "4000000000000002"}
    page += requests.post(f"{sandbox.url}/c/pay/{session.id}", declined, timeout=10).text
    page += get(sandbox, "/").text
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_no_card_number_is_kept(sandbox: Running) -> None:
    session = sandbox.open_session()
    requests.post(f"{sandbox.url}/c/pay/{session.id}", TYPED, timeout=10, allow_redirects=False)
    state = str(sandbox.control("state"))
    assert "4242" in state
    assert TYPED["card_number"] not in state


def test_the_dashboard_shows_and_does(sandbox: Running) -> None:
    assert "No card has been charged yet" in get(sandbox, "/").text
    charge = sandbox.pay(client_reference_id="booking-7")

    def press(path: str, **fields: str) -> str:
        answer = requests.post(f"{sandbox.url}/_sandbox/{path}", fields, timeout=10)
        assert (answer.status_code, answer.url) == (200, f"{sandbox.url}/")
        return answer.text

    page = get(sandbox, "/").text
    assert "240.00 EUR" in page
    assert "booking-7" in page
    page = press("dispute/open", charge=charge.id)
    dispute = sandbox.client.v1.disputes.list().data[0]
    assert f'value="{dispute.id}"' in page
    assert "dispute won" in press("dispute/win", dispute=dispute.id)
    assert "refunded 240.00 EUR" in press("refund", charge=charge.id)
    assert "Now: drop." in press("webhooks", mode="drop")
    assert "slow: 1 × POST /v1/*" in press("faults", kind="slow", milliseconds="5")
    assert "None is waiting" in press("faults", clear="true")
    assert "No card has been charged yet" in press("reset", all="yes")


def test_other_sites_cannot_press_the_buttons(sandbox: Running) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = requests.post(f"{sandbox.url}/_sandbox/reset", {"all": "yes"}, headers=headers, timeout=10)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "values", "status"),
    [
        ("pay", {"session": "cs_none"}, 404),
        ("pay", {"colour": "red"}, 400),
        ("refund", {"charge": "ch_none"}, 400),
        ("dispute/settle", {}, 404),
        ("webhooks", {"mode": "eat"}, 400),
        ("faults", {"kind": "fire"}, 400),
        ("resend", {"event": "evt_none"}, 404),
    ],
)
def test_the_control_interface_says_what_is_wrong(
    sandbox: Running, path: str, values: dict[str, str], status: int
) -> None:
    assert sandbox.control(path, values, status=status)["error"]["message"]
