"""How values are shown, exported and logged; where a browser is sent."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.links import LinkSigner
from shared.ids import new_id
from shared.ops.masking import masked_payload
from shared.web.addresses import safe_next
from shared.web.csv_export import Cell, csv_lines, neutral
from shared.web.filters import iso, show_date, show_datetime, show_days, show_minutes, show_span
from shared.web.request_log import masked_path

AT = datetime(2026, 11, 24, 8, 5, tzinfo=UTC)


def plain(text: str) -> str:
    """With ordinary blanks."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("tz", "expected"),
    [
        (None, "Tue 24 Nov 2026, 08:05 UTC"),
        ("Europe/Berlin", "Tue 24 Nov 2026, 09:05 CET"),
        ("Asia/Kolkata", "Tue 24 Nov 2026, 13:35 IST"),
        ("America/Sao_Paulo", "Tue 24 Nov 2026, 05:05 UTC\N{MINUS SIGN}3"),
        ("Asia/Kathmandu", "Tue 24 Nov 2026, 13:50 UTC+5:45"),
    ],
)
def test_moments_name_their_zone(tz: str | None, expected: str) -> None:
    assert plain(show_datetime(AT, tz)) == expected


def test_dates_and_lengths() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert plain(show_date(late, "Europe/Berlin")) == "Wed 25 Nov 2026"
    assert plain(show_date(date(2028, 2, 29))) == "Tue 29 Feb 2028"
    assert iso(AT) == "2026-11-24T08:05:00Z"
    assert [plain(show_minutes(m)) for m in (840, 810, 45, 0)] == ["14 h", "13 h 30 min", "45 min", "0 min"]
    assert show_datetime(None) == show_date(None) == show_minutes(None) == ""


@pytest.mark.parametrize(
    ("hours", "span", "days"),
    [
        (8, "Tue 24 Nov 2026, 09:05 to 17:05 CET", "Tue 24 Nov 2026"),
        (24, "Tue 24 Nov 2026, 09:05 CET to Wed 25 Nov 2026, 09:05 CET", "Tue 24 to Wed 25 Nov 2026"),
        (
            24 * 7,
            "Tue 24 Nov 2026, 09:05 CET to Tue 1 Dec 2026, 09:05 CET",
            "Tue 24 Nov 2026 to Tue 1 Dec 2026",
        ),
    ],
)
def test_a_day_is_said_once(hours: int, span: str, days: str) -> None:
    until = AT + timedelta(hours=hours)
    assert plain(show_span(AT, until, "Europe/Berlin")) == span
    assert plain(show_days(AT, until, "Europe/Berlin")) == days


def test_the_night_the_clocks_change_names_both_zones() -> None:
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    said = plain(show_span(before, before + timedelta(hours=2), "Europe/Berlin"))
    assert said == "Sun 25 Oct 2026, 02:30 CEST to Sun 25 Oct 2026, 03:30 CET"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        " =1+1",
        '=HYPERLINK("http://x")',
        "＝1+1",
        "\N{NO-BREAK SPACE}=1",
    ],
)
def test_formulas_become_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("separator", ";|\t\n")
@pytest.mark.parametrize("blank", ["", " ", "' ", '"'])
def test_no_formula_begins_where_another_separator_ends_the_cell(separator: str, blank: str) -> None:
    """European spreadsheets end a cell at a semicolon, whatever stands in quotes around it."""
    cell = f"Ada{separator}{blank}=1+cmd|' /C calc'!A0"
    assert neutral(cell) == f"Ada{separator}{blank}'=1+cmd|' /C calc'!A0"
    (line,) = list(csv_lines(["R-1", cell], []))
    assert not any(
        part.lstrip("\"' ").startswith("=") for part in re.split(r"[;|\t\n]", line.replace("'=", "!"))
    )


def test_numbers_stay_numbers_and_text_itself() -> None:
    assert neutral(-5) == -5
    assert neutral(Decimal("-1.50")) == Decimal("-1.50")
    assert neutral("Ada-Lovelace = 1; a-b, c@d") == "Ada-Lovelace = 1; a-b, c@d"
    assert neutral(AT) == "2026-11-24T08:05:00Z"
    assert neutral(None) is None


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_any_text_survives_and_none_is_a_formula(rows: list[list[str]]) -> None:
    cells: list[list[Cell]] = [list(row) for row in rows]
    lines = "".join(csv_lines(["a", "b"], cells))
    found = list(csv.reader(io.StringIO(lines, newline="")))
    assert len(found) == len(rows) + 1
    for row in found[1:]:
        assert not any(
            cell.lstrip(" \N{NO-BREAK SPACE}").startswith(tuple("=+-@\t\r＝＋－＠")) for cell in row
        )


@pytest.mark.parametrize("address", ["/", "/trainer", "/finance?filter=x&page=2", "/a%20b"])
def test_local_addresses_are_kept(address: str) -> None:
    assert safe_next(address) == address


@pytest.mark.parametrize(
    "address",
    [None, "", "x", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/a\nb",
     "javascript:alert(1)", "/ /evil.example", "\\\\evil", "/" + "a" * 3000],
)  # fmt: skip
def test_others_are_not(address: str | None) -> None:
    assert safe_next(address) is None


def test_logs_hold_no_keys_and_no_addresses() -> None:
    token = LinkSigner(["key"]).issue("booking", new_id(), 1)
    known = new_id()
    assert masked_path(f"/bookings/{token}") == "/bookings/[masked]"
    assert masked_path(f"/trainer/workshops/{known}") == f"/trainer/workshops/{known}"
    assert masked_path("/x/ada@example.org/y") == "/x/[masked]/y"
    assert len(masked_path("/" + "a/" * 5000)) <= 300


def test_payloads_show_everything_but_people() -> None:
    shown = masked_payload(
        '{"a": {"person": {"n": "Ada", "l": [1, {"x": "y"}], "e": ""}}, "m": "to a@b.org", "ok": 7}'
    )
    assert shown is not None
    for secret in ("Ada", "a@b.org", '"y"'):
        assert secret not in shown
    assert '"ok": 7' in shown
    assert masked_payload("not json, Ada") is None
    assert masked_payload("[" * 100_000) is None
    assert masked_payload(None) is None
