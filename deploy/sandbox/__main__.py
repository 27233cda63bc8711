"""`python -m deploy.sandbox`: all stand-ins in one process, each on its own port.

Prints one line of JSON with the addresses when every port answers, and ends cleanly on SIGTERM or SIGINT.
"""

import json
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack

from deploy.sandbox import mailbox, scrum_alliance, stripe
from deploy.sandbox.serving import Serving
from deploy.sandbox.settings import SandboxSettings, load_settings
from shared.config import SettingsError


def run(settings: SandboxSettings, stack: ExitStack) -> dict[str, str]:
    """Start everything; closing the stack stops it again. Returns the addresses."""
    letters = mailbox.Mailbox()
    smtp = mailbox.SmtpSink(letters, settings.bind, settings.smtp_port).start()
    stack.callback(smtp.stop)

    # Bound before the applications are made: with port 0 only the bound port says what their links must be.
    mailbox_site = Serving(settings.bind, settings.mailbox_port)
    roster_site = Serving(settings.bind, settings.scrum_alliance_port)
    stripe_site = Serving(settings.bind, settings.stripe_port)

    mailbox_app = mailbox.create_app(letters)
    roster_app = scrum_alliance.create_app(
        scrum_alliance.ScrumAllianceConfig(
            api_key=settings.scrum_alliance_api_key,
            public_url=settings.scrum_alliance_url or roster_site.url,
            smtp=(smtp.reachable_host, smtp.port),
            clock=settings.clock,
            state_file=settings.state_file("scrum_alliance.sqlite"),
        )
    )
    stripe_app = stripe.create_app(
        stripe.StripeSandboxConfig(
            api_key=settings.stripe_api_key,
            webhook_secret=settings.stripe_webhook_secret,
            webhook_url=settings.stripe_webhook_url,
            public_url=settings.stripe_url or stripe_site.url,
            clock=settings.clock,
            state_file=settings.state_file("stripe.jsonl"),
        )
    )
    scrum_alliance.start_background(roster_app)
    stack.callback(scrum_alliance.stop, roster_app)
    stripe.start_background(stripe_app)
    stack.callback(stripe.stop, stripe_app)
    for site, app in ((mailbox_site, mailbox_app), (roster_site, roster_app), (stripe_site, stripe_app)):
        site.start(app)
        stack.callback(site.stop)
    return {
        "stripe": stripe_site.url,
        "scrum_alliance": roster_site.url,
        "mailbox": mailbox_site.url,
        "smtp": f"smtp://{smtp.reachable_host}:{smtp.port}",
    }


def main() -> int:
    """Run until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        settings = load_settings(os.environ)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as stack:
        try:
            addresses = run(settings, stack)
        except OSError as problem:
            sys.stderr.write(f"The sandboxes cannot start: {problem}\n")
            return 1
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
