"""The registry over HTTP.

The Scrum Alliance publishes no roster interface that could be relied on; this is the smallest one that
keeps our promise: submit under our reference, and be found by it.

After an answer that did not come, or came from something in between, nobody knows whether the name is on the
roster, or will be. Only what cannot have been taken is told apart: no connection, or a refusal to look at it.
"""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import requests
import structlog
from requests.auth import AuthBase
from urllib3.exceptions import MaxRetryError, NewConnectionError

from services.certification.gateways.base import MemberRecord, MembershipRequest, NotTaken, SubmissionRefused
from shared import outbound
from shared.errors import Permanent, Unavailable

log = structlog.get_logger()

TIMEOUTS = (3.0, 10.0)
"""Seconds to connect, and to wait for the next byte of the answer."""

WHOLE_CALL = 13.0
"""Seconds for all of it."""

_UNREAD = frozenset({401, 403, 425, 429})
"""Answers that say: the request was not even looked at. A wrong key is mended in the settings, so it waits too."""


class ScrumAlliance:
    """`MembershipRegistry` at one address. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeouts: tuple[float, float] = TIMEOUTS,
        whole_call: float = WHOLE_CALL,
    ) -> None:
        self._members = f"{url.rstrip('/')}/api/members"
        self._key = _Bearer(key)
        self._timeouts = timeouts
        self._whole_call = whole_call

    def look_up(self, reference: str) -> MemberRecord | None:
        """Ask by our reference; unknown is an empty list or 404."""
        response = self._call("GET", params={"reference": reference})
        if response.status_code == 404:
            return None
        _refuse_unexpected(response)
        found = _records(_json(response))
        return next((record for record in found if record.reference == reference), None)

    def submit(self, request: MembershipRequest) -> MemberRecord:
        """Send the name. A 409 says that an earlier call arrived: the retry finds it by looking up."""
        response = self._call(
            "POST",
            json={
                "reference": request.reference,
                "course_code": request.course_code,
                "given_name": request.given_name,
                "family_name": request.family_name,
                "email": request.email,
            },
        )
        if response.status_code == 422:
            body = _json(response)
            raise SubmissionRefused(
                str(body.get("code") or "refused") if isinstance(body, dict) else "refused"
            )
        if response.status_code == 409:
            raise Unavailable("the registry holds our reference already: look it up")
        _refuse_unexpected(response)
        records = _records(_json(response))
        if len(records) != 1:
            raise Unavailable("the registry's answer does not name one member: look it up")
        return records[0]

    def _call(self, method: str, **parameters: Any) -> requests.Response:
        began = time.perf_counter()
        try:
            with outbound.within(self._whole_call) as deadline, outbound.session() as session:
                response = session.request(
                    method,
                    self._members,
                    headers={"Accept": "application/json"},
                    auth=self._key,
                    timeout=self._timeouts,
                    allow_redirects=False,
                    **parameters,
                )
        except requests.RequestException as error:
            # The library's own words would quote the address, and with it the reference.
            text = f"the registry gave no answer: {type(error).__name__}"
            if _never_connected(error):
                raise NotTaken(text) from None
            raise Unavailable(text) from None
        log.info(
            "registry_answered",
            call="submit" if method == "POST" else "look_up",
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )
        if deadline.passed:
            # What was cut off may look whole, if the other side did not say how long it is.
            raise Unavailable(f"the registry gave no whole answer within {self._whole_call:.0f} s")
        if response.status_code in _UNREAD:
            raise NotTaken(f"the registry answered {response.status_code}")
        if response.status_code >= 500 or response.status_code == 408:
            raise Unavailable(f"the registry answered {response.status_code}")
        return response


def _never_connected(error: requests.RequestException) -> bool:
    """Whether not a single byte of the request can have left."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


class _Bearer(AuthBase):
    """Our key, as authentication: a redirect to another host leaves it behind."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _refuse_unexpected(response: requests.Response) -> None:
    if not 200 <= response.status_code < 300:
        raise Permanent(f"the registry answered {response.status_code}, which this adapter does not know")


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except requests.JSONDecodeError:
        # A gateway's error page with status 200 says nothing about our name.
        raise Unavailable("the registry's answer is not JSON") from None


def _records(body: Any) -> list[MemberRecord]:
    """One member, or a list below `members`. What cannot be read is no answer: the name may be accepted."""
    try:
        members = body.get("members", [body])
        return [_record(member) for member in members]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Unavailable("the registry's answer cannot be read") from None


def _record(member: Mapping[str, Any]) -> MemberRecord:
    activated_at, issued_on = member.get("activated_at"), member.get("issued_on")
    return MemberRecord(
        reference=str(member["reference"]),
        activated_at=_moment(activated_at) if activated_at else None,
        issued_on=date.fromisoformat(issued_on) if issued_on else None,
    )


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
