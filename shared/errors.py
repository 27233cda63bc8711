"""What can go wrong, in one vocabulary. The web edge turns `AppError` into pages and problem documents;
the inbox turns `Unavailable` into a retry without end and `Permanent` into a dead message."""

from collections.abc import Mapping, Sequence


class AppError(Exception):
    """An expected refusal. `detail` is a whole sentence that says what to do; `code` is stable.

    `fields` names what was wrong in the input: field path (`guests.0.email`) to sentences.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, code: str, detail: str, *, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.fields: dict[str, list[str]] = {k: list(v) for k, v in (fields or {}).items()}


class Malformed(AppError):
    """The request cannot be read at all."""

    status = 400
    title = "The request cannot be read"


class Unauthenticated(AppError):
    """Nobody is signed in, or the session has ended."""

    status = 401
    title = "Sign in first"


class Forbidden(AppError):
    """Somebody is signed in who may not do this."""

    status = 403
    title = "You may not do this"


class NotFound(AppError):
    """There is no such thing, or this caller may not know of it."""

    status = 404
    title = "Not found"


class Conflict(AppError):
    """The request is fine, but not in the present state."""

    status = 409
    title = "Not possible now"


class Invalid(AppError):
    """Fields were understood and are wrong."""

    status = 422
    title = "Please correct what you entered"


class TooLarge(AppError):
    """The body is larger than this endpoint accepts."""

    status = 413
    title = "Too large"


class Unavailable(Exception):
    """Something we depend on is away (refused, timeout, 5xx, 429, our database): try again, without end.

    `retry_within` asks for the next attempt no later than so many seconds from now, whatever the usual wait.
    """

    def __init__(self, text: str = "", *, retry_within: float | None = None) -> None:
        super().__init__(text)
        self.retry_within = retry_within


class Permanent(Exception):
    """This can never succeed: the message is dead at once, with this reason."""
