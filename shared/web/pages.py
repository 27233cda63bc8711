"""Helpers for views that show pages."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from shared.errors import AppError


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A rendered page. Give `errors` (field → sentences) and status 422 when a form comes back."""
    return make_response(render_template(template, **context), status)


def form_page(template: str, errors: dict[str, list[str]], **context: Any) -> Response:
    """A page with a form: 422 when something has to be corrected, else 200."""
    return page(template, 422 if errors else 200, errors=errors, **context)


def see_other(address: str) -> AnyResponse:
    """What a form answers with when it worked: reloading the next page sends nothing again."""
    return redirect(address, 303)


def field_errors(error: AppError) -> dict[str, list[str]]:
    """What a handler refused, by the names of a form's fields; the whole form is ``""``."""
    found = {name.replace(".", "-"): texts for name, texts in error.fields.items()}
    return found or {"": [error.detail]}


def page_number() -> int:
    """`?page=`, from 1."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
