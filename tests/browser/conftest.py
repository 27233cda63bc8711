"""The running site and the hands that work it, for the journeys; one of each for all of them."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing.hands import Hands, Keyboard, Pointer
from tests.support.browsing.watch import Watch
from tests.support.regulars import Regulars
from tests.support.site import Site, Stack

Visit = Callable[[], Hands]

# A machine that others keep busy takes its time; a test that fails says so a little later.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Site]:
    """The site as `make run` starts it: web, worker and sandboxes as processes."""
    with Site(Stack()) as site:
        yield site


@pytest.fixture(scope="session")
def regulars(embedded: Site) -> Regulars:
    """Those who were on it before."""
    return Regulars(embedded)


@pytest.fixture(
    params=[
        # The two below have scripts, no scripts, pointer and keyboard in them; all four pairs take twice as long.
        pytest.param((Pointer, True), id="pointer", marks=pytest.mark.long),
        pytest.param((Pointer, False), id="pointer-without-javascript"),
        pytest.param((Keyboard, True), id="keyboard"),
        pytest.param((Keyboard, False), id="keyboard-without-javascript", marks=pytest.mark.long),
    ]
)
def visit(request: pytest.FixtureRequest, browser: Browser, embedded: Site) -> Iterator[Visit]:
    """Gives somebody a fresh browser on the site; afterwards nothing of what it did may have been wrong."""
    kind, javascript = request.param
    watched: list[tuple[Watch, Page]] = []

    def begin() -> Hands:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            java_script_enabled=javascript,
            # Where a page scrolls softly to what got the focus, a measurement comes too early.
            reduced_motion="reduce",
        )
        plan = embedded.plan
        # The way to pay leads over Stripe's own page; nothing else is anybody else's.
        watch = Watch(context, own=[plan.site_url, plan.stripe_url])
        page = context.new_page()
        page.on("response", lambda answer: watch.expected.add(answer.url) if answer.status >= 400 else None)
        watched.append((watch, page))
        hands: Hands = kind(page)
        return hands

    yield begin
    for watch, page in watched:
        page.context.close()
        assert watch.faults() == []
