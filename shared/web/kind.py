"""Is this request a program's or a person's? Programs get problem documents, people get pages."""

from flask import Flask, current_app, request

_EXTENSION = "rostrum-api-prefixes"


def set_api_prefixes(app: Flask, prefixes: tuple[str, ...]) -> None:
    """Say below which paths programs call."""

    app.extensions[_EXTENSION] = prefixes


def is_api() -> bool:
    """Whether the path is one of the API's."""
    return request.path.startswith(current_app.extensions.get(_EXTENSION, ()))


def wants_problem() -> bool:
    """Whether an error should be a problem document: on API paths, and for who accepts JSON but no HTML."""
    if is_api():
        return True
    accepted = request.accept_mimetypes
    # quality() looks for exact entries, so that */* still means a person.
    return not accepted.accept_html and any(
        accepted.quality(kind) > 0 for kind in ("application/json", "application/problem+json")
    )
