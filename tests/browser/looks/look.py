"""One page in one state: where it is, as whom it is seen, and what somebody does on it before it is looked at."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.scene import Scene

Where = Callable[[Scene], str]
Steps = Callable[[Page], None]


@dataclass(frozen=True, kw_only=True)
class Look:
    """`shows` is the route that answers, as `METHOD rule`; the test compares it with what really answered.

    `often` is looked at by every run; the rest, in every size and light, by the long programme. Each route has a
    look that is often looked at. `weighed_without` names what of the first view is not counted, for a reason.
    """

    name: str
    shows: str
    where: str | Where
    role: str | None = None
    status: int = 200
    then: Steps | None = None
    before: Callable[[Scene], None] | None = None
    after: Callable[[Scene], None] | None = None
    first_day: bool = False
    often: bool = True
    weighed_without: str | None = None

    def address(self, scene: Scene) -> str:
        """Where it is on this scene's site."""
        path = self.where if isinstance(self.where, str) else self.where(scene)
        return path if path.startswith("http") else scene.site.url + path


def press(name: str | re.Pattern[str]) -> Steps:
    """Press a button; the page that answers is what counts."""

    def act(page: Page) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=name).last.click()

    return act


def open_all(page: Page) -> None:
    """Open everything that can be opened."""
    for summary in page.locator("main summary").all():
        summary.click()
