"""`make demo` on a day on which the Scrum Alliance answers 500 for ever, run by somebody impatient."""

from typing import Any
from unittest.mock import patch

import requests

from deploy.embedded.plan import Plan
from deploy.embedded.story import Story
from services import __main__ as embedded


class DoomedStory(Story):
    """Breaks the registry of members before the trainer completes the workshop."""

    def __init__(self, plan: Plan, **more: Any) -> None:
        super().__init__(plan, before=self._break, **more)
        self._registry = plan.scrum_alliance_url

    def _break(self, step: str) -> None:
        if step == "complete":
            wish = {"behaviour": "server_error", "on": "any"}
            requests.post(f"{self._registry}/_sandbox/behaviour", json=wish, timeout=10).raise_for_status()
        if step == "activate":
            raise AssertionError("the registry accepted the name all the same")
        self.patience = 3.0 if step == "complete" else self.patience


if __name__ == "__main__":
    with patch.object(embedded, "Story", DoomedStory):
        embedded.main(["demo"])
