"""The Scrum Alliance's own letter to the student: come here and activate your membership."""

import logging
import smtplib
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.scrum_alliance.roster import Member, Roster

RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)

_TEXT = """Hello {given_name},

your trainer has put your name on our roster: you are eligible for
{certification} ({course_code}).

Activate your membership and accept the licence here:
{link}

The first two years of your membership are included in your course.

Scrum Alliance (sandbox)
"""


class Postman(threading.Thread):
    """Sends the letters that the roster says are waiting, until each is sent: a mailbox may be away."""

    def __init__(self, config: ScrumAllianceConfig, roster: Roster) -> None:
        super().__init__(name="scrum-alliance-letters", daemon=True)
        self._config = config
        self._roster = roster
        self._wake = threading.Event()
        self._ended = False

    def wake(self) -> None:
        """Somebody new is on the roster."""
        self._wake.set()

    def end(self) -> None:
        """Stop after the letter in hand."""
        self._ended = True
        self._wake.set()
        self.join(10)

    def run(self) -> None:
        """Send, sleep, send again."""
        while not self._ended:
            self._wake.clear()
            all_sent = self._send_waiting()
            self._wake.wait(None if all_sent else RETRY_SECONDS)

    def _send_waiting(self) -> bool:
        for member in self._roster.without_letter():
            try:
                self._send(member)
            except (ValueError, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError):
                # No later attempt would fare better; the student's link is still on the dashboard.
                self._roster.note_letter(member, "undeliverable")
            except (OSError, smtplib.SMTPException) as problem:
                _log.info("The mailbox cannot be reached: %s", type(problem).__name__)
                return False
            else:
                self._roster.note_letter(member, "sent")
        return not self._roster.without_letter()

    def _send(self, member: Member) -> None:
        assert self._config.smtp is not None, "a sandbox without SMTP has no postman"
        host, port = self._config.smtp
        with smtplib.SMTP(host, port, timeout=5) as smtp:
            smtp.send_message(letter_to(member, self._config))


def letter_to(member: Member, config: ScrumAllianceConfig) -> EmailMessage:
    """The letter. A name or address that cannot stand in a header raises ValueError."""
    letter = EmailMessage()
    letter["From"] = Address("Scrum Alliance (sandbox)", addr_spec="membership@scrumalliance.example")
    letter["To"] = Address(member.name, addr_spec=member.email)
    letter["Subject"] = f"Activate your membership: {member.certification}"
    letter["Date"] = format_datetime(config.clock.now())
    letter["Message-ID"] = f"<member-{member.id}@scrumalliance.example>"
    letter.set_content(
        _TEXT.format(
            given_name=member.given_name,
            certification=member.certification,
            course_code=member.course_code,
            link=activation_url(member, config),
        )
    )
    return letter


def activation_url(member: Member, config: ScrumAllianceConfig) -> str:
    """The page that the letter leads to."""
    return f"{config.public_url.rstrip('/')}/activate/{member.token}"
