"""Opens a page, brings it into its state, and says what is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Response

from tests.browser.looks import Look
from tests.browser.routes import SITE, Routes
from tests.browser.scene import Scene
from tests.support.browsing import pictures
from tests.support.browsing.faults import COLOURS, axe_faults, spacing_faults, width_faults, zoom_faults
from tests.support.browsing.focus import tab_faults
from tests.support.browsing.watch import Watch


class Window:
    """A browser's window that many pages are shown in; a new one costs more than most of them."""

    def __init__(self, context: BrowserContext) -> None:
        self.watch = Watch(context, own=[])
        self.page: Page = context.new_page()
        self.answers: list[Response] = []
        self.developer: CDPSession = context.new_cdp_session(self.page)
        self.page.on("response", self._keep)

    def _keep(self, answer: Response) -> None:
        if answer.status >= 400:
            self.watch.expected.add(answer.url)
        if answer.request.is_navigation_request() and answer.frame == self.page.main_frame:
            self.answers.append(answer)


@dataclass(kw_only=True)
class Sight:
    """A page in front of somebody."""

    look: Look
    page: Page
    watch: Watch
    weight: int

    def faults(self, *, width: int, dark: bool, only_colours: bool = False, kept_as: str = "") -> list[str]:
        """What is wrong at this size, in this light; a picture is kept, under its own name or that one."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        pictures.take(self.page, kept_as or self.look.name, width=width, scheme=scheme)
        found = axe_faults(self.page, only=COLOURS if only_colours else ())
        return [*width_faults(self.page), *found]

    def zoomed(self) -> list[str]:
        """What is wrong when a desk's screen is enlarged to 400 %."""
        return zoom_faults(self.page)

    def walked(self) -> list[str]:
        """What is wrong when somebody goes through the page with the keyboard."""
        return tab_faults(self.page)

    def spaced(self) -> list[str]:
        """What is wrong when a reader spaces the text out. The page stays like that."""
        return spacing_faults(self.page)


@dataclass(kw_only=True)
class Viewer:
    """Goes wherever a look says."""

    browser: Browser
    busy: Scene
    quiet: Scene
    routes: Routes
    weights: dict[str, int] = field(default_factory=dict)
    _window: Window | None = None

    @contextmanager
    def sees(self, look: Look, *, scripts: bool = True) -> Iterator[Sight]:
        """The page, shown as to a browser that has stored nothing of it, nor any cookie but that of the staff."""
        window = self._open()
        try:
            yield self._show(look, window, scripts=scripts)
        except BaseException:
            # Whatever went wrong must not be found by the next one.
            self.close()
            raise

    def close(self) -> None:
        """Shut the window."""
        if self._window is not None:
            self._window.page.context.close()
            self._window = None

    def _open(self) -> Window:
        if self._window is None:
            self._window = Window(self.browser.new_context(reduced_motion="reduce"))
            self._window.developer.send("Network.setCacheDisabled", {"cacheDisabled": True})
        return self._window

    def _show(self, look: Look, window: Window, *, scripts: bool) -> Sight:
        scene = self.quiet if look.first_day else self.busy
        page = window.page
        page.set_viewport_size({"width": 320, "height": 800})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.context.clear_cookies()
        if look.role:
            page.context.add_cookies(_cookies(scene, look.role))
        if look.before:
            look.before(scene)
        address = look.address(scene)
        window.watch.begin(own=[address])
        window.answers.clear()
        # Scripts are off while the page loads, and on again for those who look for faults.
        window.developer.send("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        try:
            page.goto(address)
        finally:
            if look.after:
                look.after(scene)
        weight = self.weights[look.name] = window.watch.weight(but=look.weighed_without)
        if look.then:
            look.then(page)
        window.developer.send("Emulation.setScriptExecutionDisabled", {"value": False})
        # Some pages look again by themselves after seconds: not while somebody looks at them.
        page.evaluate("window.stop()")
        shown = window.answers[-1]
        assert shown.status == look.status, f"{shown.url} answered {shown.status}"
        assert self._route(scene, shown) == look.shows
        return Sight(look=look, page=page, watch=window.watch, weight=weight)

    def _route(self, scene: Scene, shown: Response) -> str:
        place = next(name for name, url in _places(scene).items() if shown.url.startswith(url))
        return self.routes.answering(place, shown.request.method, urlsplit(shown.url).path)


def _places(scene: Scene) -> dict[str, str]:
    """The site and the stand-ins, by the names that `Routes` gives them."""
    site = scene.site
    return {
        SITE: site.url,
        "stripe": site.stripe.url,
        "scrum alliance": site.registry.url,
        "mailbox": site.post.url,
    }


def _cookies(scene: Scene, role: str) -> list[Any]:
    jar = scene.site.staff(role).session.cookies
    return [{"name": cookie.name, "value": cookie.value, "url": scene.site.url} for cookie in jar]
