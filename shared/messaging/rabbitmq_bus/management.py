"""The broker's management interface, where there is one: queue depths, and changes by an administrator."""

import base64
import json
import urllib.request
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from shared.messaging.bus import BusUnavailable

_TIMEOUT_SECONDS = 2.0
_CHANGE_SECONDS = 10.0


def queue_depths(
    management_url: str, amqp_url: str, vhost: str, queues: frozenset[str]
) -> Mapping[str, int] | None:
    """Messages (waiting and handed out) per queue; None when the interface does not answer properly.

    User and password are those of the management URL, else those of the AMQP URL.
    """
    parts = urlsplit(management_url)
    path = f"/api/queues/{quote(vhost, safe='')}?columns=name,messages"
    request = _request(management_url, "GET", path, parts if parts.username else urlsplit(amqp_url))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            rows = json.load(response)
        # The interface leaves the number out for some seconds after a queue was made.
        return {row["name"]: int(row.get("messages", 0)) for row in rows if row["name"] in queues}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def manage(management_url: str, method: str, path: str, body: Mapping[str, str] | None = None) -> None:
    """Change something, as the user that the URL names; raises `BusUnavailable` when that is refused."""
    request = _request(management_url, method, path, urlsplit(management_url))
    request.add_header("Content-Type", "application/json")
    request.data = json.dumps(body or {}).encode()
    try:
        with urllib.request.urlopen(request, timeout=_CHANGE_SECONDS):
            return
    except OSError as error:
        # The path names what was to change; it holds no password.
        raise BusUnavailable(f"the broker's management interface: {method} {path}: {error}") from None


def _request(management_url: str, method: str, path: str, who: SplitResult) -> urllib.request.Request:
    parts = urlsplit(management_url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    request = urllib.request.Request(f"{bare}{path}", method=method)
    request.add_header("Authorization", _authorization(who))
    return request


def _authorization(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
