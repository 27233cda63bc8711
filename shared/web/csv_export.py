"""CSV that opens safely: what people typed never becomes a formula in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain

from flask import Response, stream_with_context

Cell = str | int | Decimal | datetime | None

_DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")
"""How a formula begins, also in the full-width forms that some spreadsheets read alike."""

_INSIDE = re.compile(r"(?P<before>[;|\t\r\n]['\"\s]*)(?P<sign>[=+\-@＝＋－＠])")
"""Where one begins for a spreadsheet that takes another sign than the comma for the end of a cell."""


def neutral(cell: Cell) -> str | int | Decimal | None:
    """The cell as it may be written: numbers stay numbers, a would-be formula gets a leading quote."""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(cell, str):
        cell = _INSIDE.sub(r"\g<before>'\g<sign>", cell)
        # Spreadsheets skip leading blanks before they look for a formula.
        return f"'{cell}" if cell.lstrip(" \N{NO-BREAK SPACE}").startswith(_DANGEROUS) else cell
    return cell


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file, line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    for row in chain([header], rows):
        writer.writerow([neutral(cell) for cell in row])
        yield from _drained(buffer)


def _drained(buffer: io.StringIO) -> Iterator[str]:
    yield buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()


def csv_response(filename: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A download that is written while it is read; `rows` may be a generator over a query."""
    response = Response(stream_with_context(_with_mark(csv_lines(header, rows))), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _with_mark(lines: Iterator[str]) -> Iterator[str]:
    # Without the mark Excel reads UTF-8 as the machine's old code page.
    yield "\N{ZERO WIDTH NO-BREAK SPACE}"
    yield from lines
