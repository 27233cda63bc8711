"""One sandbox: what its pages, its API and its controls share."""

import threading
from typing import cast

from flask import Flask, current_app

from deploy.sandbox.scrum_alliance.behaviour import Behaviours
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.scrum_alliance.letters import Postman
from deploy.sandbox.scrum_alliance.roster import Member, Roster, Submission

EXTENSION = "scrum_alliance_sandbox"


class Sandbox:
    """The roster, the behaviours and the postman of one running sandbox."""

    def __init__(self, config: ScrumAllianceConfig) -> None:
        self.config = config
        self.roster = Roster(config.state_file)
        self.behaviours = Behaviours(auto_activate=config.auto_activate)
        self._postman: Postman | None = None
        self._late: list[threading.Timer] = []

    def accept(self, submission: Submission, *, deduplicate: bool) -> tuple[Member, bool]:
        """Put a name on the roster and have the letter sent."""
        now = self.config.clock.now()
        member, is_new = self.roster.accept(submission, now, deduplicate=deduplicate)
        if is_new and self.behaviours.auto_activate:
            self.roster.activate(member, now)
            member = self.roster.by_id(member.id) or member
        if self._postman is not None:
            self._postman.wake()
        return member, is_new

    def accept_later(self, submission: Submission, seconds: float, *, deduplicate: bool) -> None:
        """Put a name on the roster when nobody expects it any more."""
        timer = threading.Timer(seconds, self.accept, (submission,), {"deduplicate": deduplicate})
        timer.daemon = True
        self._late.append(timer)
        timer.start()

    def start(self) -> None:
        """Send letters from now on, also those that a killed process left."""
        if self.config.smtp is not None and self._postman is None:
            self._postman = Postman(self.config, self.roster)
            self._postman.start()

    def stop(self) -> None:
        """Send no more letters, accept nothing late, and close the roster."""
        for timer in self._late:
            timer.cancel()
            timer.join()
        if self._postman is not None:
            self._postman.end()
        self.roster.close()


def sandbox_of(app: Flask) -> Sandbox:
    """The sandbox behind an application."""
    return cast(Sandbox, app.extensions[EXTENSION])


def current_sandbox() -> Sandbox:
    """The sandbox behind this request."""
    return sandbox_of(current_app)
