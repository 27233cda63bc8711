"""Fifty copies of one request at the same instant, at two web processes, on both databases: one booking."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from services.enrollment import handlers
from services.enrollment.app import build
from services.enrollment.settings import Settings
from shared.config import load_settings
from shared.contracts.enrollment import BookingPlaced
from shared.db import idempotency
from shared.service import Overrides
from shared.web import idempotency as web
from shared.web.app import create_web
from tests.component.enrollment.shop import Shop, sqlite_url
from tests.component.enrollment.test_api import API, body
from tests.support.at_once import at_once

COPIES = 50
ROUNDS = 4


@dataclass(frozen=True)
class TwoWebs:
    """Two web processes of enrollment: they share the database and nothing else."""

    shop: Shop
    apps: Sequence[Flask]

    def post(self, which: int, key: str, asked: dict[str, Any]) -> Any:
        """One copy of the request."""
        client = self.apps[which % 2].test_client()
        return client.post(f"{API}/bookings", json=asked, headers={"Idempotency-Key": key})

    def copy(self, which: int, key: str, asked: dict[str, Any]) -> Callable[[], Any]:
        """The same, for later."""
        return lambda: self.post(which, key, asked)

    def copies(self, key: str, asked: dict[str, Any]) -> list[Any]:
        """All of them at once, in turns at the one and at the other."""
        return at_once([self.copy(which, key, asked) for which in range(COPIES)])


@pytest.fixture(params=["sqlite", "postgresql"])
def webs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwoWebs]:
    """Each with as many connections as it gets copies."""
    on_sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if on_sqlite else request.getfixturevalue("database_url")()
    shop = Shop(url, pool_size=COPIES // 2)
    neighbour = build(
        load_settings(
            Settings,
            {
                "ROSTRUM_MODE": "sandbox",
                "DATABASE_URL": url,
                "EMBEDDED_DATABASES": "enrollment=sqlite:///nobody.db",
            },
        ),
        overrides=Overrides(clock=shop.clock, pool_size=COPIES // 2),
    )
    yield TwoWebs(shop, [create_web(shop.service), create_web(neighbour)])
    neighbour.engine.dispose()
    shop.close()


def the_one_answer(answers: Sequence[Any]) -> dict[str, Any]:
    """What every copy got that was not told to come again."""
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} <= {
        "idempotency_key_in_use"
    }
    given = [answer.json for answer in answers if answer.status_code == 201]
    assert given
    assert all(each == given[0] for each in given)
    first: dict[str, Any] = given[0]
    return first


def test_fifty_copies_are_one_booking(webs: TwoWebs) -> None:
    for _ in range(ROUNDS):
        workshop_id, key = webs.shop.plan(), str(uuid4())
        booked = the_one_answer(webs.copies(key, body(workshop_id)))
        assert webs.shop.workshop(workshop_id).reserved == 1
        assert webs.post(0, key, body(workshop_id)).json == booked
    assert webs.shop.count("booking") == webs.shop.count("idempotency_key") == ROUNDS
    assert len(webs.shop.said(BookingPlaced)) == ROUNDS


def test_fifty_copies_with_one_of_another_request(webs: TwoWebs) -> None:
    """Whichever comes first is done; all copies of the other are refused or told to wait."""
    workshop_id, key = webs.shop.plan(), str(uuid4())
    wanted = [body(workshop_id, locale=locale) for locale in ("en", "de")]
    answers = at_once([webs.copy(n, key, wanted[n // 2 % 2]) for n in range(COPIES)])
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert webs.shop.count("booking") == 1
    assert {webs.post(0, key, each).status_code for each in wanted} == {201, 422}


def test_the_table_alone_is_enough(webs: TwoWebs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told early that the first is at work: then the primary key decides."""
    remove_the_early_word(monkeypatch)
    for _ in range(ROUNDS):
        workshop_id = webs.shop.plan()
        the_one_answer(webs.copies(str(uuid4()), body(workshop_id)))
        assert webs.shop.workshop(workshop_id).reserved == 1
    assert webs.shop.count("booking") == ROUNDS


def test_refusals_and_a_seat_that_becomes_free_end_in_one_answer(webs: TwoWebs) -> None:
    workshop_id, key = webs.shop.plan(capacity=1), str(uuid4())
    webs.shop.book(workshop_id)
    refused = webs.copies(key, body(workshop_id))
    assert {answer.json["code"] for answer in refused} <= {"workshop_full", "idempotency_key_in_use"}
    assert {webs.post(n, key, body(workshop_id)).json["code"] for n in range(2)} == {"workshop_full"}


def test_a_second_process_knows_that_the_first_is_at_work(
    webs: TwoWebs, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, working, go_on = handlers.place_booking, threading.Event(), threading.Event()

    def slowly(*given: Any) -> Any:
        working.set()
        assert go_on.wait(10)
        return place(*given)

    monkeypatch.setattr(handlers, "place_booking", slowly)
    key, asked = str(uuid4()), body(webs.shop.plan())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(webs.copy(0, key, asked))
        assert working.wait(10)
        second = pool.submit(webs.copy(1, key, asked))
        if webs.shop.service.engine.dialect.name == "postgresql":
            early = second.result(10)
            assert (early.status_code, early.json["code"]) == (409, "idempotency_key_in_use")
            go_on.set()
            second = pool.submit(webs.copy(1, key, asked))
        # A writer on SQLite is alone: the second waits for the first and gets its answer.
        go_on.set()
        booked, again = first.result(10), second.result(10)
    if again.status_code == 409:
        again = webs.post(1, key, asked)
    assert again.json == booked.json
    assert webs.shop.count("booking") == 1


def test_without_the_guard_there_are_many_bookings(webs: TwoWebs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: these tests would notice a missing table."""
    remove_the_early_word(monkeypatch)
    monkeypatch.setattr(idempotency, "claim", lambda *_: None)
    monkeypatch.setattr(idempotency, "_insert", lambda *_: True)
    workshop_id = webs.shop.plan(capacity=100)
    webs.copies(str(uuid4()), body(workshop_id))
    assert webs.shop.count("booking") == COPIES


def remove_the_early_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the process's list nor the advisory lock knows of anybody at work."""
    monkeypatch.setattr(web._Running, "alone", lambda *_: nullcontext())
    monkeypatch.setattr(idempotency, "_LOOK_ON_POSTGRESQL", idempotency._LOOK_ON_SQLITE)
