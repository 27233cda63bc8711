"""Where the keyboard's focus is, and whether somebody who looks at the screen can tell."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ElementHandle, Page

_WHERE = """(target) => {
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return { nowhere: true };
    const faults = [];
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const parse = text => {
        const parts = (text.match(/[\\d.]+/g) || []).map(Number);
        return parts.length < 3 ? null : { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
    };
    const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = start => {
        for (let at = start; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour && colour.alpha > 0.99) return colour.rgb;
        }
        return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    };
    const ring = parse(style.outlineColor);
    const wide = style.outlineStyle === "auto" || parseFloat(style.outlineWidth) >= 2;
    if (style.outlineStyle === "none" || !wide || !ring || ring.alpha < 0.5) {
        faults.push("no ring shows the focus");
    } else {
        const [a, b] = [light(ring.rgb), light(ground(e.parentElement))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (style.outlineStyle !== "auto" && contrast < 3) faults.push(`the ring's contrast is ${contrast.toFixed(2)}`);
    }
    const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
    const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
    if (right - left < 1 || bottom - top < 1) {
        faults.push("it is not on the screen");
    } else {
        const points = [[(left + right) / 2, (top + bottom) / 2], [left + 2, top + 2], [right - 2, bottom - 2]];
        const seen = points.some(([x, y]) => {
            const hit = document.elementFromPoint(x, y);
            return hit && (e.contains(hit) || hit.contains(e));
        });
        if (!seen) faults.push("something lies over it");
    }
    const label = e.labels && e.labels[0] ? e.labels[0].textContent : e.getAttribute("aria-label") || e.textContent;
    const again = e === window.rostrumLast, round = !again && e === window.rostrumFirst;
    window.rostrumLast = e;
    window.rostrumFirst ??= e;
    return {
        again,
        round,
        there: target ? e === target : false,
        same_group: !!target && e.type === "radio" && target.type === "radio" && e.name === target.name,
        behind: target ? !!(e.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING) : false,
        name: `${e.tagName.toLowerCase()} “${label.trim().replace(/\\s+/g, " ").slice(0, 60)}”`,
        faults,
    };
}"""

_ORDER = """() => {
    // One stop for each thing that Tab reaches: a group of radio buttons is one, what is hidden is none.
    const groups = new Set();
    return [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]"
    )].filter(e => {
        if (e.tabIndex < 0 || e.disabled || !e.checkVisibility({ visibilityProperty: true })) return false;
        if (e.type === "radio") {
            const group = `${e.form && e.form.action} ${e.name}`;
            if (groups.has(group)) return false;
            groups.add(group);
        }
        return true;
    }).length;
}"""


_BACK_TO_THE_TOP = """() => {
    // Tab goes on from whatever had the focus last: let that be the whole document.
    const all = document.documentElement;
    all.tabIndex = -1;
    all.focus({ preventScroll: true });
    all.blur();
    all.removeAttribute("tabindex");
    window.rostrumFirst = window.rostrumLast = null;
    scrollTo(0, 0);
}"""


@dataclass(frozen=True, kw_only=True)
class Focus:
    """One stop of the keyboard: `again` where it was before, `round` where it was first."""

    name: str = "nowhere"
    nowhere: bool = False
    again: bool = False
    round: bool = False
    there: bool = False
    same_group: bool = False
    behind: bool = False
    faults: list[str] = field(default_factory=list)


def focus(page: Page, target: ElementHandle | None = None) -> Focus:
    """What has the focus, whether it is `target`, and what a person who looks for it would mind."""
    found: dict[str, Any] = page.evaluate(_WHERE, target)
    return Focus(**found)


def tab_faults(page: Page) -> list[str]:
    """Go through the whole page with Tab: every stop is seen, none is left out, and there is a way out."""
    expected: int = page.evaluate(_ORDER)
    faults: list[str] = []
    page.evaluate(_BACK_TO_THE_TOP)
    stops = 0
    # A field for a date has a stop for each of its parts, so there may be more stops than things.
    for _ in range(4 * expected + 10):
        page.keyboard.press("Tab")
        here = focus(page)
        if here.nowhere or here.round:
            return faults if stops >= expected else [*faults, f"Tab stops at {stops} of {expected} things"]
        if not here.again:
            stops += 1
            faults += [f"{here.name}: {fault}" for fault in here.faults]
    return [*faults, f"Tab goes round and never leaves the page ({expected} things)"]
