"""How somebody works a page: with a pointer, or with the keyboard alone. A journey is written once for both."""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.support.browsing.focus import Focus, focus


class Hands(Protocol):
    """What every journey is made of."""

    @property
    def page(self) -> Page:
        """The page they are on."""

    def press(self, what: Locator) -> None:
        """Follow a link, press a button, open a summary."""

    def write(self, what: Locator, text: str) -> None:
        """Put this text into a field, in place of what is there."""

    def send(self, what: Locator) -> None:
        """Send the form from one of its fields."""

    def choose(self, what: Locator) -> None:
        """Choose a radio button."""

    def pick(self, what: Locator, label: str) -> None:
        """Pick from a list."""


class Pointer:
    """A mouse or a finger."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, what: Locator) -> None:
        """Click."""
        what.click()

    def write(self, what: Locator, text: str) -> None:
        """Fill in."""
        what.fill(text)

    def send(self, what: Locator) -> None:
        """Press Enter in the field."""
        what.press("Enter")

    def choose(self, what: Locator) -> None:
        """Click."""
        what.check()

    def pick(self, what: Locator, label: str) -> None:
        """Open and click."""
        what.select_option(label=label)


class LostFocus(AssertionError):
    """The keyboard alone does not get there, or nobody sees where it is."""


class Keyboard:
    """Tab, Shift+Tab, Enter, Space and the arrows; whoever uses it has to see where they are at every stop."""

    def __init__(self, page: Page, most_steps: int = 250) -> None:
        self.page = page
        self._most_steps = most_steps

    def press(self, what: Locator) -> None:
        """Go there; Enter follows a link and opens a summary, Space presses a button."""
        self._reach(what)
        is_button = what.evaluate("e => e.tagName === 'BUTTON'")
        self.page.keyboard.press("Space" if is_button else "Enter")

    def write(self, what: Locator, text: str) -> None:
        """Go there and type: coming in by Tab selects what is there."""
        self._reach(what)
        if what.input_value():
            self.page.keyboard.press("Shift+Tab")
            self.page.keyboard.press("Tab")
        self.page.keyboard.type(text)
        expect(what).to_have_value(text)

    def send(self, what: Locator) -> None:
        """Press Enter in the field."""
        self._reach(what)
        self.page.keyboard.press("Enter")

    def choose(self, what: Locator) -> None:
        """Go to the group, then with the arrows to the button."""
        self._reach(what)
        if not what.is_checked():
            self.page.keyboard.press("Space")
        expect(what).to_be_checked()

    def pick(self, what: Locator, label: str) -> None:
        """Go there, then with the arrows to the line."""
        self._reach(what)
        labels: list[str] = what.evaluate("e => [...e.options].map(o => o.label.trim())")
        steps = labels.index(label) - int(what.evaluate("e => e.selectedIndex"))
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        expect(what.locator("option:checked")).to_have_text(label)

    def skip(self) -> None:
        """The first stop of a page is the way past its head; it is seen, and the next stop is in the content."""
        self.page.keyboard.press("Tab")
        link = self.page.get_by_role("link", name="Skip to the content")
        expect(link).to_be_focused()
        self._look(focus(self.page))
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#main")).to_be_focused()
        self.page.keyboard.press("Tab")
        inside = "document.getElementById('main').contains(document.activeElement)"
        assert self.page.evaluate(inside), "the way past the head does not lead into the content"

    def _reach(self, what: Locator) -> None:
        expect(what).to_be_visible()
        target = what.element_handle()
        here = focus(self.page, target)
        for _ in range(self._most_steps):
            if here.there:
                return
            key = "ArrowDown" if here.same_group else "Shift+Tab" if here.behind else "Tab"
            self.page.keyboard.press(key)
            here = focus(self.page, target)
            self._look(here)
        raise LostFocus(f"{self._most_steps} steps do not lead to {what}; the last was {here.name}")

    def _look(self, here: Focus) -> None:
        if here.faults:
            raise LostFocus(f"{here.name} on {self.page.url}: {', '.join(here.faults)}")
