"""The SMTP server: takes every letter, sends none on."""

import asyncio
import threading

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.sandbox.mailbox.letters import Mailbox
from deploy.sandbox.serving import bind, reachable

LARGEST_LETTER = 2 * 1024 * 1024


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 — aiosmtpd's
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._mailbox.take(envelope.mail_from or "", envelope.rcpt_tos, raw)
        return "250 Taken"


class SmtpSink:
    """An SMTP server on a thread of its own; port 0 lets the system choose."""

    def __init__(self, mailbox: Mailbox, host: str, port: int) -> None:
        self._handler = _Handler(mailbox)
        self._socket = bind(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)

    @property
    def reachable_host(self) -> str:
        """Where this machine itself finds the server."""
        return reachable(self.host)

    def start(self) -> "SmtpSink":
        """Take letters until `stop`; connections made since the port was bound are answered now."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more letters."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            # One more turn lets the cancelled conversations close their connections.
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._protocol, sock=self._socket)
        # Not by stopping the loop: told to end before it has begun to serve, it would fail.
        await self._ended.wait()
        server.close()

    def _protocol(self) -> SMTP:
        # A fixed name: by default aiosmtpd asks the resolver for ours, which can take seconds.
        return SMTP(
            self._handler,
            hostname="mailbox.localhost",
            ident="Mailbox sandbox",
            data_size_limit=LARGEST_LETTER,
            enable_SMTPUTF8=True,
            loop=self._loop,
        )
