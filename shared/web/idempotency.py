"""`Idempotency-Key`, as the IETF's draft has it: a request that is sent twice has one effect and one answer.

Every POST of the API wears `@idempotent` below its guard and does its work inside `once`. A key belongs to
its route and its caller. Missing or unreadable: 400. Used for another request: 422. First request still at
work: 409. Decided already: the same answer again, refusals included, for at least a day.
"""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import marshmallow
from flask import Flask, Response, after_this_request, current_app, g, request

from shared.auth.guards import signed_in
from shared.db import idempotency
from shared.db.idempotency import Kept
from shared.db.transaction import Tx
from shared.errors import AppError, Conflict, Invalid, Malformed
from shared.web.current import current_service, request_tx
from shared.web.problems import Problem, RepeatedProblem, problem_of

F = TypeVar("F", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_EXTENSION = "rostrum-running-keys"
_MARK = "__rostrum_idempotent__"
# A string of structured fields (RFC 9651 §3.3.3), or the bare word that most clients send.
_QUOTED = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'
_BARE = r"[!#-+\--:<-\[\]-~]{1,255}"
PATTERN = f"^(?:{_QUOTED}|{_BARE})$"
_KEY = re.compile(f"{_QUOTED}|{_BARE}")


class IdempotencyKeyMissing(Malformed):
    """A POST of this API needs the header Idempotency-Key, so that it can be sent again without harm."""

    title = "Idempotency-Key is missing"

    def __init__(self) -> None:
        text = f"Send a header {HEADER} with a new random value, such as a UUID, for each new request."
        super().__init__("idempotency_key_missing", text, fields={HEADER: [text]})


class IdempotencyKeyMalformed(Malformed):
    """The header Idempotency-Key is there, but it is no key."""

    title = "Idempotency-Key cannot be read"

    def __init__(self) -> None:
        text = "Send one key of 1 to 255 visible ASCII characters, such as a UUID in quotes."
        super().__init__("idempotency_key_malformed", text, fields={HEADER: [text]})


class IdempotencyKeyReused(Invalid):
    """The key was used for another request to the same address; the request itself was not looked at."""

    title = "Idempotency-Key is already used"

    def __init__(self) -> None:
        text = "This key was used for another request. Send a new key with a new request."
        super().__init__("idempotency_key_reused", text, fields={HEADER: [text]})


class IdempotencyKeyInUse(Conflict):
    """The first request with this key is still at work; its answer is there in a moment."""

    title = "A request with this Idempotency-Key is at work"
    retry_after = 1

    def __init__(self) -> None:
        text = "Send the same request with the same key again in a second to get its answer."
        super().__init__("idempotency_key_in_use", text)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One request: who asks what where, and for what exactly. `fingerprints`: one per signing key."""

    request_id: str
    fingerprints: tuple[str, ...]


class _Refused(Exception):
    def __init__(self, error: AppError) -> None:
        self.error = error


class _Running:
    """Requests of this process that are being decided."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._guard = threading.Lock()

    @contextmanager
    def alone(self, request_id: str) -> Iterator[None]:
        """Be the only one with this id, or raise `StillRunning`."""
        with self._guard:
            if request_id in self._ids:
                raise idempotency.StillRunning
            self._ids.add(request_id)
        try:
            yield
        finally:
            with self._guard:
                self._ids.discard(request_id)


def install_idempotency(app: Flask) -> None:
    """Give the app its list of requests at work."""
    app.extensions[_EXTENSION] = _Running()


def idempotent(view: F) -> F:
    """This view needs a key and works inside `once`; stands right below the guard."""

    @wraps(view)
    def keyed(*args: Any, **kwargs: Any) -> Any:
        g.rostrum_key = _key()
        return view(*args, **kwargs)

    setattr(keyed, _MARK, True)
    return cast(F, keyed)


def is_idempotent(view: Callable[..., Any]) -> bool:
    """Whether a view wears `@idempotent`."""
    return hasattr(view, _MARK)


def once(kept_as: marshmallow.Schema, work: Callable[[Tx], Any]) -> Any:
    """What `work` gives, now or when the request was first sent.

    `work` runs in one transaction with the row that remembers it; `kept_as` dumps and loads its result, which
    must hold nothing personal. What `work` refuses is remembered as well: the same request must not be
    refused first and done later, when nobody waits for it any more.
    """
    asked = _asked(g.rostrum_key)
    running: _Running = current_app.extensions[_EXTENSION]
    try:
        with running.alone(asked.request_id):
            result, kept = _decide(asked, kept_as, work)
    except idempotency.StillRunning:
        raise IdempotencyKeyInUse from None
    return result if kept is None else _repeat(asked, kept_as, kept)


def _decide(asked: _Asked, kept_as: marshmallow.Schema, work: Callable[[Tx], Any]) -> tuple[Any, Kept | None]:
    transactions = current_service().transactions
    try:
        with request_tx() as tx:
            connection = tx.session.connection()
            kept = idempotency.claim(connection, asked.request_id)
            if kept is not None:
                return None, kept
            try:
                result = work(tx)
            except AppError as error:
                if error.status in (401, 403) or error.status >= 500:
                    # Who may not ask decides nothing; and what failed on our side may succeed next time.
                    raise
                raise _Refused(error) from error
            new = Kept(fingerprint=asked.fingerprints[0], outcome="done", answer=kept_as.dumps(result))
            idempotency.keep(connection, asked.request_id, new)
        return result, None
    except idempotency.Overtaken:
        kept = idempotency.found(transactions, asked.request_id)
        if kept is None:
            raise idempotency.StillRunning from None
        return None, kept
    except _Refused as refused:
        refusal = Kept(
            fingerprint=asked.fingerprints[0],
            outcome="refused",
            answer=json.dumps(asdict(problem_of(refused.error))),
        )
        kept = idempotency.keep_refusal(transactions, asked.request_id, refusal)
        if kept is refusal:
            raise refused.error from None
        return None, kept


def _repeat(asked: _Asked, kept_as: marshmallow.Schema, kept: Kept) -> Any:
    if kept.fingerprint not in asked.fingerprints:
        raise IdempotencyKeyReused
    after_this_request(_say_so)
    if kept.outcome == "done":
        return kept_as.loads(kept.answer)
    stored = json.loads(kept.answer)
    headers = tuple((name, value) for name, value in stored.pop("headers"))
    raise RepeatedProblem(Problem(headers=headers, **stored))


def _say_so(response: Response) -> Response:
    response.headers[REPLAYED] = "true"
    return response


def _key() -> str:
    sent = request.headers.get(HEADER)
    if sent is None:
        raise IdempotencyKeyMissing
    if not _KEY.fullmatch(sent):
        raise IdempotencyKeyMalformed
    return re.sub(r"\\(.)", r"\1", sent[1:-1]) if sent.startswith('"') else sent


def _asked(key: str) -> _Asked:
    principal = signed_in()
    caller = "anybody" if principal is None else f"staff:{principal.staff_id}"
    # A link's token is part of the path, so that its holder is told apart from others by it.
    words = (request.method, request.path, caller, key)
    body = _canonical()
    return _Asked(
        request_id=hashlib.sha256(json.dumps(words).encode()).hexdigest(),
        fingerprints=tuple(
            hmac.new(f"idempotency:{secret}".encode(), body, hashlib.sha256).hexdigest()
            for secret in current_service().settings.link_keys
        ),
    )


def _canonical() -> bytes:
    # The same JSON with other spaces or another order of its members is the same request.
    body = request.get_data(cache=True)
    query = sorted(request.args.items(multi=True))
    try:
        return json.dumps([json.loads(body), query], sort_keys=True).encode()
    except ValueError:
        return body + json.dumps(query).encode()
