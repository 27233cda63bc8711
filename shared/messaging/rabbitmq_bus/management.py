"""Queue depths, asked of the broker's management interface where there is one."""

import base64
import json
import urllib.request
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_TIMEOUT_SECONDS = 2.0


def queue_depths(management_url: str, vhost: str, queues: frozenset[str]) -> Mapping[str, int] | None:
    """Messages (waiting and handed out) per queue; None when the interface does not answer properly.

    The URL carries its own user and password: they are other ones than a service's in most installations.
    """
    parts = urlsplit(management_url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    request = urllib.request.Request(f"{bare}/api/queues/{quote(vhost, safe='')}?columns=name,messages")
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            rows = json.load(response)
        # The interface leaves the number out for some seconds after a queue was made.
        return {row["name"]: int(row.get("messages", 0)) for row in rows if row["name"] in queues}
    except (OSError, ValueError, KeyError, TypeError):
        return None
