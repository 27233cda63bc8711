"""Lists of short texts, stored one per line."""

import pytest
from sqlalchemy.dialects import sqlite

from services.enrollment.domain.base import TextList

DIALECT = sqlite.dialect()


@pytest.mark.parametrize("texts", [(), ("one",), ("The workshop", "Two years of membership")])
def test_what_is_stored_comes_back(texts: tuple[str, ...]) -> None:
    column = TextList()
    assert column.process_result_value(column.process_bind_param(texts, DIALECT), DIALECT) == texts


def test_nothing_stays_nothing() -> None:
    assert TextList().process_bind_param(None, DIALECT) is None
    assert TextList().process_result_value(None, DIALECT) is None


def test_a_line_break_would_make_two_of_one() -> None:
    with pytest.raises(ValueError, match="line break"):
        TextList().process_bind_param(("a\nb",), DIALECT)
