"""Lists, pages of them, and the expansion of ids into objects."""

from collections.abc import Iterable
from typing import Any

from deploy.sandbox.stripe.errors import ApiError, missing_resource, not_implemented
from deploy.sandbox.stripe.store import (
    BALANCE_TRANSACTION,
    CHARGE,
    DISPUTE,
    LINE_ITEMS,
    PAYMENT_INTENT,
    REFUND,
    SESSION,
    JsonObject,
    Transaction,
)

_KINDS_BY_PREFIX = {
    "pi": PAYMENT_INTENT,
    "ch": CHARGE,
    "re": REFUND,
    "du": DISPUTE,
    "txn": BALANCE_TRANSACTION,
}
_EXPANDABLE = {
    "charge",
    "customer",
    "balance_transaction",
    "failure_balance_transaction",
    "invoice",
    "latest_charge",
    "payment_intent",
    "payment_method",
    "product",
    "review",
    "setup_intent",
    "source",
    "subscription",
}
_MAX_DEPTH = 4


def in_period(moment: int, period: dict[str, int] | None) -> bool:
    """Whether a moment is in a range as Stripe's `created` parameter gives it."""
    if period is None:
        return True
    return (
        moment > period.get("gt", moment - 1)
        and moment >= period.get("gte", moment)
        and moment < period.get("lt", moment + 1)
        and moment <= period.get("lte", moment)
    )


def page(tx: Transaction, items: Iterable[JsonObject], params: JsonObject, url: str, kind: str) -> JsonObject:
    """One page of `items`, which come in the list's order. A cursor names an item that exists."""
    limit = params.get("limit", 10)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None and before is not None:
        raise ApiError(400, "You cannot parameterize both starting_after and ending_before.")
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and kind != LINE_ITEMS and tx.get(kind, cursor) is None:
            raise missing_resource(kind, cursor, param=name, status=400)
    found: list[JsonObject] = []
    reached = after is None
    for item in items:
        if before is not None and item["id"] == before:
            break
        if reached:
            found.append(item)
            # One more than asked for tells whether there is another page. Backwards, the last are wanted.
            if before is None and len(found) > limit:
                break
        reached = reached or item["id"] == after
    has_more = len(found) > limit
    data = found[-limit:] if before is not None else found[:limit]
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def line_items(tx: Transaction, session_id: str, params: JsonObject) -> JsonObject:
    """A session's lines, in the order in which they were given."""
    held = tx.get(LINE_ITEMS, session_id) or {"data": []}
    return page(tx, held["data"], params, f"/v1/checkout/sessions/{session_id}/line_items", LINE_ITEMS)


def expand(tx: Transaction, answer: JsonObject, paths: Iterable[str]) -> JsonObject:
    """A copy of the answer with the ids at `paths` replaced by their objects."""
    for index, path in enumerate(paths):
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > _MAX_DEPTH:
            message = f"You cannot expand more than {_MAX_DEPTH} levels of a property ({path})."
            raise ApiError(400, message, param=f"expand[{index}]")
        answer = _expand(tx, answer, steps, f"expand[{index}]")
    return answer


def _expand(tx: Transaction, value: Any, steps: list[str], param: str) -> Any:
    if not steps or value is None:
        return value
    if isinstance(value, list):
        return [_expand(tx, item, steps, param) for item in value]
    step, rest = steps[0], steps[1:]
    if step == "data" and value.get("object") == "list":
        return {**value, "data": _expand(tx, value["data"], rest, param)}
    if step == "line_items" and value.get("object") == SESSION:
        held = value.get("line_items") or line_items(tx, value["id"], {})
        return {**value, "line_items": _expand(tx, held, rest, param)}
    if step not in value or (step not in _EXPANDABLE and not isinstance(value[step], (dict, list))):
        raise ApiError(400, f"This property cannot be expanded ({step}).", param=param)
    return {**value, step: _expand(tx, _object_of(tx, value[step], step, param), rest, param)}


def _object_of(tx: Transaction, value: Any, step: str, param: str) -> Any:
    if not isinstance(value, str):
        return value
    kind = _KINDS_BY_PREFIX.get(value.split("_")[0])
    found = tx.get(kind, value) if kind is not None else None
    if found is None:
        raise not_implemented(f"the expansion of {step}", param=param)
    return present(tx, found)


def present(tx: Transaction, value: JsonObject) -> JsonObject:
    """An object as it is to be shown now: money becomes available by the passing of time alone."""
    if value.get("object") == BALANCE_TRANSACTION and value["available_on"] <= tx.now:
        return {**value, "status": "available"}
    return value
