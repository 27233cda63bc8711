"""The checks themselves: a page with a planted fault is found out, and the same page without it is not."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, BrowserContext, Page

from deploy.sandbox.serving import Serving
from tests.support.browsing.faults import axe_faults, spacing_faults, width_faults, zoom_faults
from tests.support.browsing.focus import tab_faults
from tests.support.browsing.hands import Keyboard, LostFocus
from tests.support.browsing.watch import MOST_BYTES, Watch

GOOD = """<!doctype html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>body { margin: 1rem; overflow-wrap: break-word; } :focus-visible { outline: 3px solid #b45f06; }
a, button { display: inline-block; min-height: 1.5rem; }</style></head>
<body><main><h1>A page</h1><p><a href="/">A link</a></p><p><button>A button</button></p>%s</main></body></html>"""
POLICY = "default-src 'self'; style-src 'unsafe-inline'; img-src * data:; script-src 'self'"

TRAP = """document.getElementById("trap").addEventListener("keydown", event => event.preventDefault());"""


class Planted:
    """A site with one page, and what is planted in it."""

    def __init__(self) -> None:
        self.serving = Serving("127.0.0.1", 0)
        self.page = GOOD % ""
        app = Flask(__name__)
        app.add_url_rule(
            "/", "page", lambda: Response(self.page, headers={"Content-Security-Policy": POLICY})
        )
        app.add_url_rule(
            "/heavy.svg", "heavy", lambda: Response("<svg/>" + " " * MOST_BYTES, mimetype="image/svg+xml")
        )
        app.add_url_rule("/trap.js", "trap", lambda: Response(TRAP, mimetype="text/javascript"))
        self.serving.start(app)


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    site = Planted()
    yield site
    site.serving.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": 320, "height": 800}, reduced_motion="reduce")
    yield found
    found.close()


def shown(context: BrowserContext, planted: Planted, more: str) -> tuple[Page, Watch]:
    planted.page = GOOD % more
    watch = Watch(context, own=[planted.serving.url])
    page = context.new_page()
    page.goto(planted.serving.url)
    return page, watch


CHECKS: dict[str, Callable[[Page], list[str]]] = {
    "axe": axe_faults,
    "width": width_faults,
    "zoom": zoom_faults,
    "spacing": spacing_faults,
    "tab": tab_faults,
}


def test_a_good_page_has_no_fault(context: BrowserContext, planted: Planted) -> None:
    page, watch = shown(context, planted, "")
    assert [fault for check in CHECKS.values() for fault in check(page)] == []
    assert watch.faults() == []
    assert 0 < watch.weight() < MOST_BYTES


@pytest.mark.parametrize(
    ("check", "fault", "said"),
    [
        ("axe", "<input>", "axe label"),
        ("axe", '<p style="color: #bbb">pale</p>', "axe color-contrast"),
        ("axe", '<a href="/" style="min-height: 0; font-size: 8px">a</a><a href="/">b</a>', "axe target-size"),
        ("width", '<div style="width: 400px">wide</div>', "too wide"),
        ("width", f"<p style='overflow-wrap: normal'>{'long' * 40}</p>", "too wide"),
        ("zoom", '<div style="position: fixed; inset: auto 0 0; height: 6rem">Cookies!</div>', "in the way at 400 %"),
        ("spacing", '<p style="white-space: nowrap">just about fits on a phone, until</p>', "spaced out"),
        ("tab", '<a href="/" style="outline: none">unseen</a>', "no ring shows the focus"),
        ("tab", '<a href="/" style="outline: 3px solid #eee">pale</a>', "the ring's contrast"),
        ("tab", '<a href="/" style="position: absolute; left: -99rem">away</a>', "not on the screen"),
        ("tab", '<button id="trap">No way out</button><script src="/trap.js"></script>', "never leaves the page"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(
    context: BrowserContext, planted: Planted, check: str, fault: str, said: str
) -> None:
    page, _ = shown(context, planted, fault)
    assert any(said in found for found in CHECKS[check](page)), CHECKS[check](page)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            '<img alt="" src="http://127.0.0.1:9/pixel.png">',
            "asks somebody else: http://127.0.0.1:9/pixel.png",
        ),
        ("<script>document.title</script>", "the console says error"),
        ('<img alt="" src="/missing.png">', "the console says error"),
    ],
)
def test_what_a_page_may_not_do_is_noticed(
    context: BrowserContext, planted: Planted, fault: str, said: str
) -> None:
    _, watch = shown(context, planted, fault)
    assert any(said in found for found in watch.faults()), watch.faults()


def test_a_heavy_page_is_noticed(context: BrowserContext, planted: Planted) -> None:
    _, watch = shown(context, planted, '<img alt="" src="/heavy.svg">')
    assert watch.weight() > MOST_BYTES


def test_hands_without_a_pointer_do_not_get_to_what_tab_leaves_out(
    context: BrowserContext, planted: Planted
) -> None:
    page, _ = shown(context, planted, '<button tabindex="-1">Only for mice</button>')
    with pytest.raises(LostFocus):
        Keyboard(page, most_steps=10).press(page.get_by_role("button", name="Only for mice"))
