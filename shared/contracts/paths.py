"""Which service answers which path: feeds nginx, the embedded dispatcher, and a test."""

from collections.abc import Mapping

OWN_PATHS: Mapping[str, tuple[str, ...]] = {
    "enrollment": ("/workshops", "/bookings", "/attendees", "/trainer", "/staff"),
    "payment": ("/pay", "/finance", "/webhooks/stripe"),
    "certification": ("/certificates", "/verify"),
}
"""Besides these each service answers below `/<service>/` (api, docs, ops, static); `/` is enrollment's."""

ROOT_SERVICE = "enrollment"


def service_of(path: str) -> str:
    """The service that answers `path`."""
    for service, prefixes in OWN_PATHS.items():
        for prefix in (*prefixes, f"/{service}"):
            if path == prefix or path.startswith(prefix + "/"):
                return service
    return ROOT_SERVICE
