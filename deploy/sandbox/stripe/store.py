"""The sandbox's memory: JSON objects by kind and id, behind one lock, with an optional journal on disk.

A transaction collects its changes and applies them all at its end or, after an exception, none of them. With
a state file, each transaction is one appended line, written before anyone sees its effects: a kill at any
moment leaves either the whole transaction or none of it.
"""

import copy
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.sandbox.stripe.agenda import Agenda, Due

JsonObject = dict[str, Any]

SESSION = "checkout.session"
LINE_ITEMS = "line_items"
PAYMENT_INTENT = "payment_intent"
CHARGE = "charge"
REFUND = "refund"
DISPUTE = "dispute"
BALANCE_TRANSACTION = "balance_transaction"
EVENT = "event"
DELIVERY = "delivery"
IDEMPOTENCY = "idempotency"
SETTING = "setting"


def _session_due(session: JsonObject) -> Due | None:
    return (session["expires_at"], 0) if session["status"] == "open" else None


def _delivery_due(delivery: JsonObject) -> Due | None:
    return (delivery["due_at"], delivery["order"]) if delivery["state"] == "pending" else None


class Transaction:
    """Reads and changes of one unit of work. Made by `Store.transaction` only."""

    def __init__(self, objects: dict[str, dict[str, JsonObject]], now: float) -> None:
        self._objects = objects
        self.changes: dict[tuple[str, str], JsonObject | None] = {}
        self.exact_now = now
        self.now = int(now)
        self.request: JsonObject = {"id": None, "idempotency_key": None}

    def get(self, kind: str, object_id: str) -> JsonObject | None:
        """The object as this transaction sees it. It must not be changed; `edit` gives one that may be."""
        if (kind, object_id) in self.changes:
            return self.changes[kind, object_id]
        return self._objects.get(kind, {}).get(object_id)

    def edit(self, kind: str, object_id: str) -> JsonObject:
        """A copy of an object that exists, written when the transaction ends."""
        if (kind, object_id) not in self.changes:
            self.changes[kind, object_id] = copy.deepcopy(self._objects[kind][object_id])
        value = self.changes[kind, object_id]
        assert value is not None, f"{kind} {object_id} was removed in this transaction"
        return value

    def put(self, kind: str, value: JsonObject, object_id: str | None = None) -> JsonObject:
        """Store a new object, or another one in the place of an old."""
        self.changes[kind, object_id or value["id"]] = value
        return value

    def remove(self, kind: str, object_id: str) -> None:
        """Forget an object."""
        self.changes[kind, object_id] = None

    def newest_first(self, kind: str) -> Iterator[JsonObject]:
        """Every object of a kind, the latest made first. Read only."""
        held = self._objects.get(kind, {})
        for (changed_kind, object_id), value in reversed(self.changes.items()):
            if changed_kind == kind and value is not None and object_id not in held:
                yield value
        for object_id in reversed(held):
            value = self.changes.get((kind, object_id), held[object_id])
            if value is not None:
                yield value

    def oldest(self, kind: str) -> JsonObject | None:
        """The stored object of a kind that was made first."""
        return next(iter(self._objects.get(kind, {}).values()), None)

    def count(self, kind: str) -> int:
        """How many objects of a kind there are, counting those made in this transaction."""
        held = self._objects.get(kind, {})
        return len(held) + sum(
            1 for (k, i), v in self.changes.items() if k == kind and v is not None and i not in held
        )


class Store:
    """All objects of one sandbox. `changed` is notified after every transaction that wrote something."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.expiries = Agenda(_session_due)
        self.deliveries = Agenda(_delivery_due)
        self._objects: dict[str, dict[str, JsonObject]] = {}
        self._path = path
        self._journal: int | None = None
        if path is not None:
            self._load(path)

    @contextmanager
    def transaction(self, now: float) -> Iterator[Transaction]:
        """Hold the lock, collect changes, apply them at the end."""
        with self.lock:
            tx = Transaction(self._objects, now)
            yield tx
            if tx.changes:
                self._write(tx.changes)
                for (kind, object_id), value in tx.changes.items():
                    self._apply(kind, object_id, value)
                self.changed.notify_all()

    def reset(self) -> None:
        """Forget every object but the settings."""
        with self.lock:
            kept = dict(self._objects.get(SETTING, {}))
            for kind in (SESSION, DELIVERY):
                for object_id in list(self._objects.get(kind, {})):
                    self._apply(kind, object_id, None)
            self._objects.clear()
            self._objects[SETTING] = kept
            if self._path is not None:
                self._compact(self._path)
            self.changed.notify_all()

    def close(self) -> None:
        """Close the journal."""
        with self.lock:
            if self._journal is not None:
                os.close(self._journal)
                self._journal = None

    def _apply(self, kind: str, object_id: str, value: JsonObject | None) -> None:
        held = self._objects.setdefault(kind, {})
        if value is None:
            held.pop(object_id, None)
        else:
            held[object_id] = value
        if kind == SESSION:
            self.expiries.note(object_id, value)
        elif kind == DELIVERY:
            self.deliveries.note(object_id, value)

    def _write(self, changes: dict[tuple[str, str], JsonObject | None]) -> None:
        if self._journal is None:
            return
        line = json.dumps([[kind, object_id, value] for (kind, object_id), value in changes.items()])
        data = memoryview(line.encode() + b"\n")
        while data:
            data = data[os.write(self._journal, data) :]

    def _load(self, path: Path) -> None:
        if path.exists():
            for line in path.read_bytes().splitlines():
                try:
                    changes = json.loads(line)
                except ValueError:
                    # Only the last line can be torn: its transaction was never answered, so it never was.
                    break
                for kind, object_id, value in changes:
                    self._apply(kind, object_id, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._compact(path)

    def _compact(self, path: Path) -> None:
        """Replace the journal by one line per object, by a rename, and go on writing to the new one."""
        scratch = path.with_name(path.name + ".new")
        with scratch.open("w") as file:
            for kind, held in self._objects.items():
                for object_id, value in held.items():
                    file.write(json.dumps([[kind, object_id, value]]) + "\n")
        scratch.replace(path)
        self.close()
        self._journal = os.open(path, os.O_WRONLY | os.O_APPEND)
