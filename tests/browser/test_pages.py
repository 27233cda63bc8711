"""Every page in every state: nothing that axe minds, nothing to scroll sideways, light to load, nobody else asked."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import Viewer
from tests.browser.looks import LOOKS, Look
from tests.browser.routes import Routes
from tests.browser.scene import first_day, scene
from tests.support.browsing import pictures
from tests.support.browsing.watch import MOST_BYTES

OFTEN = [look for look in LOOKS if look.often]


@pytest.fixture(scope="module")
def viewer(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """Sees a busy site and one on its first day."""
    folder = tmp_path_factory.mktemp("sites")
    with scene(folder) as busy, first_day(folder) as quiet:
        routes = Routes(tmp_path_factory.mktemp("services"))
        viewer = Viewer(browser=browser, busy=busy, quiet=quiet, routes=routes)
        yield viewer
        viewer.close()
        pictures.note_weights(viewer.weights)


def named(look: Look) -> str:
    return look.name.replace(" ", "-")


@pytest.mark.parametrize("look", OFTEN, ids=named)
def test_a_page_has_no_fault(viewer: Viewer, look: Look) -> None:
    """On a phone in the light, on a desk in the dark, enlarged; pictures are kept."""
    with viewer.sees(look) as sight:
        assert sight.faults(width=320, dark=False) == []
        assert sight.zoomed() == []
        assert sight.faults(width=1280, dark=True, only_colours=True) == []
        assert sight.watch.faults() == []
        assert sight.weight <= MOST_BYTES, f"the first view needs {sight.weight} bytes"


@pytest.mark.long
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("look", LOOKS, ids=named)
def test_a_page_has_no_fault_in_any_size_and_light(viewer: Viewer, look: Look, scripts: bool) -> None:
    """Also without JavaScript, walked through with the keyboard, and with the text spaced out."""
    kept_as = look.name if scripts else f"{look.name} without scripts"
    with viewer.sees(look, scripts=scripts) as sight:
        for width in (320, 1280):
            for dark in (False, True):
                assert sight.faults(width=width, dark=dark, kept_as=kept_as) == []
        assert sight.walked() == []
        assert sight.zoomed() == []
        assert sight.spaced() == []
        assert sight.watch.faults() == []
        assert sight.weight <= MOST_BYTES, f"the first view needs {sight.weight} bytes"
