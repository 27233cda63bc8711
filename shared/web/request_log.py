"""One correlation id, one log line and one measurement per request, without personal data."""

import re
import time
from contextlib import ExitStack

import structlog
from flask import Flask, Response, g, request

from shared.observability.context import correlated
from shared.observability.metrics import Meter

HEADER = "X-Correlation-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONG = 24
_UNCOUNTED = {"health.healthz", "health.readyz", "metrics.metrics"}
_QUIET = {"static", *_UNCOUNTED}

log = structlog.get_logger("web")


def masked_path(path: str) -> str:
    """The path with everything that might be a link's token replaced: whoever reads logs holds no keys."""
    return "/".join(_masked(segment) for segment in path.split("/"))[:300]


def _masked(segment: str) -> str:
    if "@" in segment or (len(segment) >= _LONG and not _UUID.fullmatch(segment)):
        return "[masked]"
    return segment


def install_request_log(app: Flask, meter: Meter) -> None:
    """Bind the correlation id before everything else; count and write the line after everything else."""

    def begin() -> None:
        offered = request.headers.get(HEADER, "")
        stack = g.rostrum_stack = ExitStack()
        g.rostrum_correlation = stack.enter_context(
            correlated(offered if _ACCEPTED.fullmatch(offered) else None)
        )
        g.rostrum_started = time.perf_counter()

    def end(response: Response) -> Response:
        response.headers[HEADER] = g.rostrum_correlation
        if request.endpoint not in _UNCOUNTED:
            meter.request(
                method=request.method,
                route=request.url_rule.rule if request.url_rule is not None else None,
                status=response.status_code,
                seconds=time.perf_counter() - g.rostrum_started,
            )
        if request.endpoint not in _QUIET:
            log.info(
                "request",
                service=meter.service,
                method=request.method,
                path=masked_path(request.path),
                endpoint=request.endpoint,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.rostrum_started) * 1000, 1),
            )
        return response

    def release(_error: BaseException | None) -> None:
        if "rostrum_stack" in g:
            g.rostrum_stack.close()

    app.before_request(begin)
    # Flask runs these in reverse order of registration: this one, registered first, runs last.
    app.after_request(end)
    app.teardown_request(release)
