"""What the stand-ins for Stripe, the Scrum Alliance and the mail show: not our pages, but people walk over them."""

import requests
from playwright.sync_api import Page

from tests.browser.looks.look import Look, Steps, Where, open_all, press
from tests.browser.scene import Scene

_PAY = "/c/pay/<session_id>"


def _stripe(path: str) -> Where:
    return lambda scene: scene.site.stripe.url + path


def _payment_page(name: str) -> Where:
    return lambda scene: f"{scene.site.stripe.url}/c/pay/{scene.sessions[name]}"


def _registry(path: str) -> Where:
    return lambda scene: scene.site.registry.url + path


def _mailbox(path: str) -> Where:
    return lambda scene: scene.site.post.url + path


def _odd_letter(scene: Scene) -> str:
    (letter,) = scene.site.post.messages("odd@example.com")
    return f"{scene.site.post.url}/messages/{letter['id']}"


def _activation(scene: Scene) -> str:
    members = requests.get(f"{scene.site.registry.url}/_sandbox/members", timeout=10).json()["members"]
    return next(str(member["activation_url"]) for member in members if member["status"] != "activated")


def _pay_with(number: str, name: str) -> Steps:
    def act(page: Page) -> None:
        page.get_by_label("Card number").fill(number)
        page.get_by_label("Name on card").fill(name)
        press("Pay")(page)

    return act


LOOKS = (
    Look(name="stripe", shows="stripe: GET /", where=_stripe("/")),
    Look(name="stripe empty", shows="stripe: GET /", where=_stripe("/"), first_day=True, often=False),
    Look(name="stripe pay", shows=f"stripe: GET {_PAY}", where=_payment_page("held"), then=open_all),
    Look(name="stripe paid", shows=f"stripe: GET {_PAY}", where=_payment_page("done"), often=False),
    Look(
        name="stripe pay with errors",
        shows=f"stripe: POST {_PAY}",
        where=_payment_page("held"),
        then=_pay_with("", ""),
        status=422,
        often=False,
    ),
    Look(
        name="stripe pay declined",
        shows=f"stripe: POST {_PAY}",
        where=_payment_page("held"),
        then=_pay_with("4000000000000002", "Pia Payer"),
        status=402,
    ),
    Look(name="registry", shows="scrum alliance: GET /", where=_registry("/")),
    Look(
        name="registry empty",
        shows="scrum alliance: GET /",
        where=_registry("/"),
        first_day=True,
        often=False,
    ),
    Look(name="registry activate", shows="scrum alliance: GET /activate/<token>", where=_activation),
    Look(
        name="registry activate unknown",
        shows="scrum alliance: GET /activate/<token>",
        where=_registry("/activate/nobody"),
        status=404,
        often=False,
    ),
    Look(name="mailbox", shows="mailbox: GET /", where=_mailbox("/")),
    Look(name="mailbox empty", shows="mailbox: GET /", where=_mailbox("/"), first_day=True, often=False),
    Look(name="letter", shows="mailbox: GET /messages/<int:letter_id>", where=_odd_letter, then=open_all),
    Look(
        name="letter gone",
        shows="mailbox: GET /messages/<int:letter_id>",
        where=_mailbox("/messages/99999"),
        status=404,
        often=False,
    ),
)
