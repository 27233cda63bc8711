"""One line per thing that happened, JSON in production, on standard error."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from shared.observability.context import add_bound_fields
from shared.observability.redaction import describe_error, mask_emails, where
from shared.observability.trail import trail_to


def configure_logs(log_format: str, service: str) -> None:
    """Route our events and the libraries' warnings through structlog, masked."""
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_bound_fields,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _from(service),
        _without_traceback,
        _mask,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    trail_to(_writes(handler) if log_format == "json" else None)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("pika", "werkzeug", "alembic", "urllib3", "stripe"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _writes(handler: "logging.StreamHandler[Any]") -> Callable[[str], None]:
    def write(lines: str) -> None:
        # One lock for all who write there, or lines would cut each other in two.
        handler.acquire()
        try:
            handler.stream.write(lines)
            handler.flush()
        except (OSError, ValueError):
            # Who reads the logs is gone: that must not undo work that is committed.
            pass
        finally:
            handler.release()

    return write


def _from(service: str) -> Any:
    # A bound variable would be unknown to other threads, such as those that answer requests.
    def name(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        if service:
            line.setdefault("service", service)
        return line

    return name


def _without_traceback(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    """An error's kind, text and place: a traceback quotes values, and in text mode local variables as well."""
    given = line.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        line.setdefault("error", describe_error(error))
        line.setdefault("place", where(error))
    return line


def _mask(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    return {key: mask_emails(value) if isinstance(value, str) else value for key, value in line.items()}
