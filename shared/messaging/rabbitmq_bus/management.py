"""Queue depths, asked of the broker's management interface where there is one."""

import base64
import json
import urllib.request
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

_TIMEOUT_SECONDS = 2.0


def queue_depths(
    management_url: str, amqp_url: str, vhost: str, queues: frozenset[str]
) -> Mapping[str, int] | None:
    """Messages (waiting and handed out) per queue; None when the interface does not answer properly.

    User and password are those of the management URL, else those of the AMQP URL.
    """
    parts = urlsplit(management_url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    request = urllib.request.Request(f"{bare}/api/queues/{quote(vhost, safe='')}?columns=name,messages")
    request.add_header("Authorization", _authorization(parts if parts.username else urlsplit(amqp_url)))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            rows = json.load(response)
        # The interface leaves the number out for some seconds after a queue was made.
        return {row["name"]: int(row.get("messages", 0)) for row in rows if row["name"] in queues}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _authorization(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
