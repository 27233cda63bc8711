"""What a browser did while somebody looked at a page: requests, their weight, and what its console complained of."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

MOST_BYTES = 80_000
"""A first view, everything it needs, as it came over the wire."""

_HARMLESS = ("data", "blob", "about")


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Watch:
    """Listens to everything that happens in one context. `own` are the origins that may be called."""

    def __init__(self, context: BrowserContext, own: Iterable[str]) -> None:
        self._own = {origin(url) for url in own}
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        # The site says "not found" or "refused" with a status; a browser's console repeats that about the page.
        self.expected: set[str] = set()
        context.on("request", self._note)
        context.on("console", self._hear)
        context.on("weberror", self._fail)

    def begin(self, own: Iterable[str]) -> None:
        """Forget what was, for another page."""
        self._own = {origin(url) for url in own}
        self.requests.clear()
        self.complaints.clear()
        self.expected.clear()

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        where = message.location.get("url", "")
        if message.text.startswith("Failed to load resource") and where in self.expected:
            return
        self.complaints.append(f"{message.type}: {message.text} ({where})")

    def _fail(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    @property
    def foreign(self) -> list[str]:
        """Requests to anybody else."""
        asked = [request.url for request in self.requests]
        return [
            url for url in asked if urlsplit(url).scheme not in _HARMLESS and origin(url) not in self._own
        ]

    def weight(self, *, but: str | None = None) -> int:
        """Bytes of all answers so far, headers and compressed bodies; without addresses that contain `but`."""
        total = 0
        for request in self.requests:
            if (but is None or but not in request.url) and request.failure is None:
                request.response()
                sizes = request.sizes()
                total += max(0, sizes["responseBodySize"]) + max(0, sizes["responseHeadersSize"])
        return total

    def faults(self) -> list[str]:
        """What no page of ours may do."""
        return [
            *(f"asks somebody else: {url}" for url in self.foreign),
            *(f"the console says {text}" for text in self.complaints),
        ]
