"""`python -m services.enrollment …`: accounts, workshops, and whether the seats add up."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import text

from services.enrollment import tasks
from services.enrollment.cli import COMMANDS
from services.enrollment.domain import WorkshopState
from services.enrollment.tasks import Credentials, WrongCredentials
from tests.component.enrollment.news import START
from tests.component.enrollment.shop import Shop

PASSWORD = "a few quiet words"


def run(shop: Shop, *arguments: str, typed: str = "") -> Result:
    """One command, with what is typed at its prompts."""
    name, *rest = arguments
    command = next(command for command in COMMANDS if command.name == name)
    return CliRunner().invoke(command, rest, obj=shop.service, input=typed, catch_exceptions=False)


def enter(shop: Shop, password: str) -> frozenset[str]:
    """The roles that signing in gives."""
    return tasks.sign_in(
        Credentials(email="fin@example.com", password=password), shop.service.transactions
    ).roles


def test_an_account_from_opening_to_closing(shop: Shop) -> None:
    added = run(
        shop, "staff", "add", "Fin@example.com", "--role", "finance", typed=f"Tomás\n{PASSWORD}\n{PASSWORD}\n"
    )
    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    assert enter(shop, PASSWORD) == {"finance"}
    assert run(shop, "staff", "roles", "fin@example.com", "--role", "finance", "--role", "ops").exit_code == 0
    assert enter(shop, PASSWORD) == {"finance", "ops"}
    changed = run(shop, "staff", "password", "fin@example.com", typed="new quiet words\nnew quiet words\n")
    assert changed.exit_code == 0
    with pytest.raises(WrongCredentials):
        enter(shop, PASSWORD)
    listing = run(shop, "staff", "list").output
    assert "fin@example.com" in listing
    assert "finance,ops" in listing
    assert run(shop, "staff", "close", "fin@example.com").exit_code == 0
    assert "closed" in run(shop, "staff", "list").output
    with pytest.raises(WrongCredentials):
        enter(shop, "new quiet words")


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("staff", "add", "x", "--name", "X", "--role", "ops"), f"{PASSWORD}\n{PASSWORD}\n", "email: Enter"),
        (
            ("staff", "add", "x@example.com", "--name", "X", "--role", "ops"),
            "short\nshort\n",
            "12 characters",
        ),
        (("staff", "close", "nobody@example.com"), "", "no open account"),
        (("staff", "teaches", "trainer@example.com", "XYZ"), "", "no course XYZ"),
        (("workshops", "publish", str(UUID(int=1))), "", "no such workshop"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    shop: Shop, arguments: tuple[str, ...], typed: str, words: str
) -> None:
    result = run(shop, *arguments, typed=typed)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def plan(**changes: Any) -> dict[str, Any]:
    """A workshop as a file describes it."""
    first = START + timedelta(days=7)
    return {
        "course_code": "CSPO",
        "title": "CSPO in Porto",
        "delivery": "in_person",
        "venue": "Rua das Flores 1, Porto",
        "time_zone": "Europe/Lisbon",
        "blocks": [
            {
                "starts_at": (first + timedelta(days=day)).isoformat(),
                "ends_at": (first + timedelta(days=day, hours=8)).isoformat(),
                "break_minutes": 60,
            }
            for day in range(2)
        ],
        "capacity": 8,
        "price_minor": 110_000,
        "currency": "EUR",
        "trainer": "trainer@example.com",
        **changes,
    }


def test_a_workshop_from_a_file(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "porto.json"
    file.write_text(json.dumps(plan()))
    added = run(shop, "workshops", "add", str(file))
    assert added.exit_code == 0, added.output
    workshop_id = UUID(added.output.split()[0])
    assert shop.workshop(workshop_id).state is WorkshopState.DRAFT
    assert run(shop, "workshops", "publish", str(workshop_id)).exit_code == 0
    assert shop.workshop(workshop_id).state is WorkshopState.PUBLISHED
    assert "CSPO in Porto" in run(shop, "workshops", "list").output
    assert run(shop, "workshops", "cancel", str(workshop_id)).exit_code == 0
    assert shop.workshop(workshop_id).state is WorkshopState.CANCELLED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"course_code": "CSM"}, "120 minutes are missing"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"currency": "XXX"}, "currency"),
        ({"capacity": 0, "price_minor": -1, "venue": None}, "venue"),
        ({"delivery": "online"}, "join_link"),
        ({"delivery": "online", "join_link": "javascript:alert(1)"}, "https://"),
        ({"trainer": "nobody@example.com"}, "no account"),
        ({"blocks": []}, "blocks"),
        ({"surprise": 1}, "surprise"),
        ({"title": "a\nb"}, "title"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    shop: Shop, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(plan(**changes)))
    result = run(shop, "workshops", "add", str(file), "--publish")
    assert result.exit_code == 1
    assert words in result.output
    assert shop.count("workshop") == shop.count("block") == 0


def test_seats_that_do_not_add_up_are_told(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.book(workshop_id, 2)
    assert run(shop, "seats").exit_code == 0
    with shop.service.engine.begin() as connection:
        connection.execute(text("UPDATE workshop SET reserved = 3"))
    result = run(shop, "seats")
    assert result.exit_code == 1
    assert f"{workshop_id}: 3 reserved, 2 live" in result.output


def test_seats_that_do_not_add_up_are_mended(shop: Shop) -> None:
    lost, sold_twice, right = (shop.plan(capacity=2) for _ in range(3))
    shop.book(lost, 1)
    for workshop_id in (sold_twice, right):
        shop.book(workshop_id, 2)
    with shop.service.engine.begin() as connection:
        connection.execute(text("UPDATE workshop SET reserved = 2"))
        connection.execute(
            text("UPDATE workshop SET capacity = 1, reserved = 1 WHERE workshop_id = :id"),
            {"id": sold_twice.hex},
        )
    with structlog.testing.capture_logs() as lines:
        result = run(shop, "seats", "--mend")

    # Of a workshop with more people than seats no counter can be right.
    assert result.exit_code == 1
    assert f"{lost}: 2 reserved, 1 live\n  mended: 2 reserved before, 1 now" in result.output
    assert f"{sold_twice}: 1 reserved, 2 live\n  not mended: 2 seats are live, of 1." in result.output
    assert str(right) not in result.output
    assert [(line["event"], line["workshop_id"], line["reserved"], line["live"]) for line in lines] == [
        ("seats_mended", str(lost), 2, 1)
    ]
    assert [shop.workshop(one).reserved for one in (lost, sold_twice, right)] == [1, 1, 2]


def test_once_mended_seats_add_up_and_are_sold_and_given_back(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=2)
    shop.book(workshop_id, 1)
    with shop.service.engine.begin() as connection:
        # One too few: the hold could not be ended, because the counter would fall below zero.
        connection.execute(text("UPDATE workshop SET reserved = 0"))
    assert run(shop, "seats", "--mend").exit_code == 0
    again = run(shop, "seats", "--mend")
    assert (again.exit_code, again.output) == (0, "All seats add up.\n")
    shop.book(workshop_id, 1)
    shop.clock.advance(timedelta(hours=1))
    shop.end_holds()
    assert shop.workshop(workshop_id).reserved == 0
    assert shop.seats_add_up()
