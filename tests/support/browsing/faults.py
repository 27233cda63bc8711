"""What is wrong with a page as it stands in the browser: found by axe, by measuring, and by pressing Tab."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()
_OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    # The only rule of WCAG 2.2 AA that axe leaves off by itself: what is pressed is 24 pixels big.
    "rules": {"target-size": {"enabled": True}},
}
COLOURS = ("color-contrast",)

_TOO_WIDE = """() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room && document.body.scrollWidth <= room) return [];
    // Whoever sticks out and holds nothing that sticks out is the culprit.
    const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > room + 1);
    const last = out.filter(e => !out.some(other => other !== e && e.contains(other)));
    return last.slice(0, 5).map(e => `${e.tagName.toLowerCase()}.${e.className}: ${e.textContent.trim().slice(0, 60)}`)
        .concat(`the page is ${document.documentElement.scrollWidth} wide, the screen ${room}`);
}"""

_STUCK = """() => [...document.querySelectorAll("body *")].filter(e => {
    const style = getComputedStyle(e);
    return ["fixed", "sticky"].includes(style.position)
        && e.getBoundingClientRect().height > innerHeight / 4 && style.visibility !== "hidden";
}).map(e => `${e.tagName.toLowerCase()}.${e.className}`)"""

_SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }"""

_PUT_ON = """text => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""


def axe_faults(page: Page, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list[str]:
    """What axe minds, one line a place. `without` are selectors of what is not ours."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_AXE.axe_script)
    options = {**_OPTIONS, "runOnly": list(only), "rules": {}} if only else _OPTIONS
    context: dict[str, Any] = {"include": [["html"]], "exclude": [[selector] for selector in without]}
    found: list[dict[str, Any]] = page.evaluate(
        "([context, options]) => axe.run(context, options).then(found => found.violations)",
        [context, options],
    )
    return [
        f"axe {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def width_faults(page: Page) -> list[str]:
    """What has to be scrolled sideways."""
    return [f"too wide: {text}" for text in page.evaluate(_TOO_WIDE)]


def zoom_faults(page: Page) -> list[str]:
    """A desk's screen at 400 %: nothing sideways, and nothing that stays in the way of the text."""
    page.set_viewport_size({"width": 320, "height": 256})
    return [*width_faults(page), *(f"stays in the way at 400 %: {e}" for e in page.evaluate(_STUCK))]


def spacing_faults(page: Page) -> list[str]:
    """Readers may space text out as WCAG 1.4.12 says, and still lose nothing sideways."""
    # Our pages allow no style element; a sheet that a reader's own tool puts on is none.
    page.evaluate(_PUT_ON, _SPACED)
    return [f"with text spaced out, {fault}" for fault in width_faults(page)]
