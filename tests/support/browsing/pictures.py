"""Pictures of the pages, kept with what a run leaves behind: to be looked at, never compared."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page

BUILD = Path(__file__).parents[3] / "build"
FOLDER = BUILD / "screenshots"
WEIGHTS = BUILD / "first-views.json"


def take(page: Page, name: str, **how: object) -> Path:
    """The whole page, as it stands; `how` goes into the file's name, such as width=320, scheme="dark"."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = [name, *(str(value) for value in how.values())]
    path = FOLDER / (re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-") + ".jpg")
    # Half the work of a lossless picture, and a tenth of its size.
    page.screenshot(path=path, full_page=True, animations="disabled", type="jpeg", quality=75)
    return path


def note_weights(weights: dict[str, int]) -> None:
    """Keep how heavy each first view was, the heaviest first."""
    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    ordered = dict(sorted(weights.items(), key=lambda item: -item[1]))
    WEIGHTS.write_text(json.dumps(ordered, indent=2) + "\n")
