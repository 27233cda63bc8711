"""The database's own clock, for leases and retries: workers on several machines must agree."""

from typing import Any

from sqlalchemy import BindParameter, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shared.db.base import UtcDateTime


class moment(FunctionElement[Any]):  # noqa: N801 - reads as an SQL function where it is used
    """`moment(seconds)`: the database's present time plus `seconds` of real time."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float | BindParameter[float] = 0.0) -> None:
        super().__init__(seconds if isinstance(seconds, BindParameter) else literal(float(seconds)))


@compiles(moment, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kw)}))"


@compiles(moment, "sqlite")
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    # SQLite gives milliseconds; stored times have microseconds and are compared as text.
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds') || '000')"
