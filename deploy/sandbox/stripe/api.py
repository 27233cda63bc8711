"""Stripe's HTTP API: what every request goes through, whatever its route."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from deploy.sandbox.stripe import idempotency
from deploy.sandbox.stripe.config import API_VERSION
from deploy.sandbox.stripe.errors import ApiError
from deploy.sandbox.stripe.faults import (
    RATE_LIMITED,
    RESPONSE_LOST,
    SERVER_ERROR,
    SLOW,
    Fault,
    cut_connection,
)
from deploy.sandbox.stripe.ids import new_id
from deploy.sandbox.stripe.listing import expand
from deploy.sandbox.stripe.parameters import load, parse_form
from deploy.sandbox.stripe.sandbox import Sandbox, current_sandbox
from deploy.sandbox.stripe.schemas import Fields
from deploy.sandbox.stripe.store import JsonObject, Transaction


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, checked: what an operation gets."""

    sandbox: Sandbox
    tx: Transaction
    params: JsonObject
    target: str


Operation = Callable[[Call], JsonObject]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status and body, with the id of the request that made them first."""

    status: int
    body: str
    original_request: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """A route, the parameters it takes and what it does."""

    method: str
    rule: str
    fields: Fields
    operation: Operation

    def __call__(self, target: str = "") -> Response:
        """Answer a request to this route."""
        sandbox = current_sandbox()
        sandbox.count_request(f"{self.method} {self.rule}")
        request_id = new_id("req", 14)
        faults = {fault.kind: fault for fault in sandbox.faults.take(request.method, request.path)}
        key = request.headers.get("Idempotency-Key") if self.method == "POST" else None
        try:
            _authenticate(sandbox.config.api_key)
            _check_version()
            if key is not None:
                idempotency.check_key(key)
            with idempotency.exclusive(sandbox, key) if key is not None else nullcontext():
                _suffer(faults)
                answer = self._answer(sandbox, target, key, request_id)
            response = _respond(answer, request_id, key)
        except ApiError as error:
            response = _respond(_failure(error), request_id, key, error)
        if RESPONSE_LOST in faults:
            cut_connection(request.environ)
        return response

    def _answer(self, sandbox: Sandbox, target: str, key: str | None, request_id: str) -> Answer:
        source = request.args if self.method == "GET" else request.form
        sent = parse_form(source.items(multi=True))
        params = load(self.fields, sent)
        mark = idempotency.fingerprint(self.method, request.path, sent)
        with sandbox.transaction() as tx:
            if key is not None:
                stored = idempotency.find(tx, key, mark, request.path)
                if stored is not None:
                    return Answer(
                        status=stored["status"], body=stored["body"], original_request=stored["request_id"]
                    )
            tx.request = {"id": request_id, "idempotency_key": key}
            try:
                call = Call(sandbox=sandbox, tx=tx, params=params, target=target)
                result = expand(tx, self.operation(call), params.get("expand", ()))
                answer = Answer(status=200, body=json.dumps(result, indent=2))
            except ApiError as error:
                # What the operation had begun is undone; that it was refused is remembered under its key.
                tx.changes.clear()
                if error.status == 501 or key is None:
                    raise
                answer = _failure(error)
            if key is not None:
                idempotency.remember(
                    tx, key, mark, request.path, status=answer.status, body=answer.body, request_id=request_id
                )
        return answer


def refuse(error: ApiError) -> Response:
    """Answer a request that belongs to no endpoint."""
    sandbox = current_sandbox()
    sandbox.count_request("(not implemented)")
    try:
        _authenticate(sandbox.config.api_key)
    except ApiError as unknown_caller:
        error = unknown_caller
    return _respond(_failure(error), new_id("req", 14), None, error)


def _failure(error: ApiError) -> Answer:
    return Answer(status=error.status, body=json.dumps(error.body(), indent=2))


def _authenticate(api_key: str) -> None:
    header = request.headers.get("Authorization", "")
    scheme, _, credentials = header.partition(" ")
    given = credentials
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if not given:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise ApiError(401, message, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        masked = given[:8] + "*" * 8 + given[-4:] if len(given) > 16 else "*" * 8
        raise ApiError(401, f"Invalid API Key provided: {masked}")


def _check_version() -> None:
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        message = f"Invalid Stripe API version: {version}. This sandbox speaks {API_VERSION} only."
        raise ApiError(400, message)


def _suffer(faults: dict[str, Fault]) -> None:
    """The troubles that come before the request is carried out; nothing is stored under its key then."""
    if SLOW in faults:
        time.sleep(faults[SLOW].seconds)
    if RATE_LIMITED in faults:
        fault = faults[RATE_LIMITED]
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        raise ApiError(
            429,
            "Request rate limit exceeded.",
            code="rate_limit",
            should_retry=fault.should_retry,
            headers=headers,
        )
    if SERVER_ERROR in faults:
        raise ApiError(
            500,
            "An unknown error occurred",
            kind="api_error",
            should_retry=faults[SERVER_ERROR].should_retry,
        )


def _respond(answer: Answer, request_id: str, key: str | None, error: ApiError | None = None) -> Response:
    response = Response(answer.body + "\n", answer.status, content_type="application/json")
    headers: dict[str, Any] = {
        "Request-Id": request_id,
        "Stripe-Version": API_VERSION,
        "Cache-Control": "no-store",
    }
    if key is not None:
        headers["Idempotency-Key"] = key
    if answer.original_request is not None:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original_request}
    elif key is not None and error is None:
        headers["Original-Request"] = request_id
    if error is not None:
        headers |= error.headers
        if error.should_retry is not None:
            headers["Stripe-Should-Retry"] = "true" if error.should_retry else "false"
    response.headers.update(headers)
    return response
