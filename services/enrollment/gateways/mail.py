"""Mail leaves here: a port, and SMTP behind it."""

import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from marshmallow import ValidationError

from services.enrollment.domain.people import clean_email, clean_name
from shared import outbound
from shared.errors import Permanent, Unavailable

_TIMEOUT = 10.0
_WHOLE_LETTER = 45.0
"""Seconds for all of it: a server may take its time for a few answers, but not for every byte."""

_DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class LetterRefused(Permanent):
    """The recipient's server will never take this letter."""


class Mailer(Protocol):
    """Takes letters to where people read them."""

    def send(self, message: EmailMessage) -> None:
        """Hand over one letter; raises `Unavailable`, or `LetterRefused` when trying again is useless."""
        ...


class SmtpMailer:
    """Hands letters to a mail server. Errors carry the server's code only: its text repeats addresses."""

    def __init__(self, url: str, *, whole_letter: float = _WHOLE_LETTER) -> None:
        self._parts = _split(url)
        self._whole_letter = whole_letter

    def send(self, message: EmailMessage) -> None:
        """Hand over one letter."""
        try:
            with outbound.within(self._whole_letter), self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise self._failure("the recipient", codes[0]) from None
        except smtplib.SMTPDataError as error:
            raise self._failure("the letter", error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            # Of the greeting, the login or the sender: ours to mend, and no reason to give the letter up.
            raise Unavailable(f"the mail server answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"the mail server cannot be used: {type(error).__name__}") from None

    @staticmethod
    def _failure(what: str, code: int) -> Exception:
        if code >= 500:
            return LetterRefused(f"the mail server refused {what} with {code}")
        return Unavailable(f"the mail server put {what} off with {code}")

    def _connect(self) -> smtplib.SMTP:
        parts = self._parts
        host = parts.hostname or ""
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            server = _TlsServer(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
        else:
            server = _Server(host, port, timeout=_TIMEOUT)
        try:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server


class _Server(smtplib.SMTP):
    """Its connection heeds the present deadline from the first byte, before any greeting."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in the stub
        outbound.watch(connection)
        return connection


class _TlsServer(smtplib.SMTP_SSL, _Server):
    """Asks the class above for a plain connection, which is watched by then, and wraps it."""


def check_smtp_url(url: str) -> None:
    """Raise marshmallow's error unless letters can be sent there."""
    try:
        _split(url)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def check_sender(text: str) -> None:
    """Raise marshmallow's error unless the text is a sender."""
    try:
        sender(text)
    except ValueError as error:
        raise ValidationError(f"must be like Workshops <workshops@example.com>. {error}") from None


def sender(text: str) -> Address:
    """The sender's address from `Name <address>` or a bare address."""
    name, address = parseaddr(text)
    return Address(clean_name(name) if name else "", addr_spec=clean_email(address))


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("must begin with smtp://, smtp+starttls:// or smtps://.")
    if not parts.hostname:
        raise ValueError("must name a host.")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("must have a port between 0 and 65535.") from None
    if parts.username and parts.scheme == "smtp":
        raise ValueError("must not send a password in clear: use smtp+starttls:// or smtps://.")
    return parts
