"""An outside system that answers byte by byte holds nobody up for longer than a call may take."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from services.certification.gateways.base import MembershipRequest, NotTaken
from services.certification.gateways.scrum_alliance import ScrumAlliance
from services.enrollment.gateways.mail import SmtpMailer
from services.payment.gateways.stripe_gateway import StripeGateway
from shared import outbound
from shared.clock import SystemClock
from shared.errors import Unavailable

LIMIT = 0.3
LATE = 6.0
"""Long enough for a machine with other things to do, and far from what the drip would take."""
STEP = 0.02


class Drip:
    """A server that says `first` at once and then one byte of `rest` after the other, for ever."""

    def __init__(self, first: bytes = b"", rest: bytes = b" ", tls: ssl.SSLContext | None = None) -> None:
        self._first, self._rest, self._tls = first, rest, tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self._over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            connection.sendall(self._first)
            while not self._over.wait(STEP):
                for byte in self._rest:
                    connection.sendall(bytes([byte]))
                    if self._over.wait(STEP):
                        return

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._listening.close()


@pytest.fixture
def drip() -> Iterator[Callable[..., Drip]]:
    """Makes dripping servers; all end with the test."""
    made: list[Drip] = []

    def make(first: bytes = b"", rest: bytes = b" ", tls: ssl.SSLContext | None = None) -> Drip:
        made.append(Drip(first, rest, tls))
        return made[-1]

    yield make
    for one in made:
        one.close()


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """The block ends in time, or the test fails; it would never end without a deadline."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATE


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
SHAPES = {
    "the body": (HEAD, b" "),
    "the headers": (b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
    "the status line": (b"HTTP/1.1 200 ", b"x"),
    "one header after the other": (b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
    "chunks": (HEAD.replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked"), b"1\r\n \r\n"),
    "information": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "what looks whole": (HEAD.replace(b"Content-Length: 100000\r\n", b"") + b'{"members": []}', b" "),
}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@shapes
def test_the_registry(drip: Callable[..., Drip], shape: tuple[bytes, bytes]) -> None:
    gateway = ScrumAlliance(f"http://127.0.0.1:{drip(*shape).port}", "key", whole_call=LIMIT)
    with soon(), pytest.raises(Unavailable) as raised:
        gateway.look_up("a reference")
    assert not isinstance(raised.value, NotTaken)


def test_the_registry_is_not_asked_twice_about_a_name(drip: Callable[..., Drip]) -> None:
    server = drip(HEAD)
    gateway = ScrumAlliance(f"http://127.0.0.1:{server.port}", "key", whole_call=LIMIT)
    request = MembershipRequest(
        reference="r", course_code="CSPO", given_name="Ada", family_name="L", email="a@example.com"
    )
    with soon(), pytest.raises(Unavailable) as raised:
        gateway.submit(request)
    assert not isinstance(raised.value, NotTaken), "the name may be on the roster by now"
    assert server.connections == 1


@shapes
def test_stripe(drip: Callable[..., Drip], shape: tuple[bytes, bytes]) -> None:
    server = drip(*shape)
    gateway = StripeGateway(
        api_key="sk_test_x",
        api_base=f"http://127.0.0.1:{server.port}",
        webhook_secrets=("whsec_x",),
        clock=SystemClock(),
        whole_call=LIMIT,
    )
    for call in (
        lambda: gateway.read_session("cs_1"),
        lambda: gateway.events_between(datetime.now(UTC), datetime.now(UTC), (), limit=10),
    ):
        with soon(), pytest.raises(Unavailable):
            call()
    # The library's own repetitions do not begin anew when the time is over.
    assert server.connections <= 2


@pytest.mark.parametrize(
    "first", [b"", b"220 ready\r\n", b"220-"], ids=["greeting", "answer", "long greeting"]
)
def test_mail(drip: Callable[..., Drip], first: bytes) -> None:
    mailer = SmtpMailer(f"smtp://127.0.0.1:{drip(first, b'2').port}", whole_letter=LIMIT)
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@example.com", "b@example.com", "Hello"
    letter.set_content("Hello")
    with soon(), pytest.raises(Unavailable):
        mailer.send(letter)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and the certificate to trust."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_through_tls(drip: Callable[..., Drip], tls: tuple[ssl.SSLContext, Path]) -> None:
    context, certificate = tls
    server = drip(HEAD, b" ", tls=context)
    with soon(), outbound.session() as session, pytest.raises(requests.RequestException):
        with outbound.within(LIMIT):
            session.get(f"https://127.0.0.1:{server.port}/", verify=str(certificate), timeout=10)


def test_a_handshake_that_never_ends(drip: Callable[..., Drip]) -> None:
    # A record of TLS that is announced and then comes byte by byte.
    server = drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x00")
    with soon(), outbound.session() as session, pytest.raises(requests.RequestException):
        with outbound.within(LIMIT):
            session.get(f"https://127.0.0.1:{server.port}/", timeout=10)


def test_a_connection_that_was_kept_from_an_earlier_call(drip: Callable[..., Drip]) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(whole)
            connection.recv(65536)
            connection.sendall(HEAD)
            while True:
                connection.sendall(b" ")
                time.sleep(STEP)

    threading.Thread(target=serve, daemon=True).start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with outbound.session() as session:
        with outbound.within(LIMIT):
            assert session.get(url, timeout=5).json() == {}
        with soon(), pytest.raises(requests.RequestException), outbound.within(LIMIT):
            session.get(url, timeout=10)
    listening.close()


def test_a_quick_answer_is_an_answer_and_nothing_stays_open(drip: Callable[..., Drip]) -> None:
    before = threading.active_count()
    with outbound.within(30) as deadline:
        ours, theirs = socket.socketpair()
        outbound.watch(ours)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
    assert not deadline.passed
    ours.close()
    assert theirs.recv(1) == b"", "no copy of the connection stays open"
    theirs.close()
    for _ in range(50):
        if threading.active_count() <= before:
            break
        time.sleep(0.02)
    assert threading.active_count() <= before, "the timer ends with the block"


def test_negative_control_without_a_deadline_the_drip_goes_on(drip: Callable[..., Drip]) -> None:
    server = drip(HEAD)
    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            requests.get(f"http://127.0.0.1:{server.port}/", timeout=(5, 5))
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    assert not answered.wait(LIMIT * 2), "a timeout per byte ended it"
    server.close()
