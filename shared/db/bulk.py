"""Statements for many rows at once, straight through the driver's own executemany.

SQLAlchemy builds every row's parameters by itself, which was measured to be the largest single cost of a batch
of messages. Here it writes the statement once, and rows go to the driver as the tuples they are.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import UpdateBase

Row = tuple[Any, ...]


class ManyRows:
    """One writing statement, run for many rows.

    `make` is given SQLAlchemy's dialect module (`postgresql` or `sqlite`) and returns the statement; each of
    `columns` is either set by an INSERT or the name of a `bindparam`. Rows are tuples in the order of `columns`.
    """

    def __init__(self, make: Callable[[Any], UpdateBase], columns: Sequence[str]) -> None:
        self._make = make
        self._columns = tuple(columns)
        self._prepared: dict[str, _Prepared] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run it; returns how many rows it changed in all."""
        if not rows:
            return 0
        name = connection.dialect.name
        if name not in self._prepared:
            self._prepared[name] = _Prepared(self._make, self._columns, connection.dialect)
        return self._prepared[name].run(connection, rows)


class _Prepared:
    def __init__(self, make: Callable[[Any], UpdateBase], columns: tuple[str, ...], dialect: Dialect) -> None:
        module: Any = postgresql if dialect.name == "postgresql" else sqlite
        # Positional parameters: the driver takes a row as it stands, without a dictionary for each.
        own: Any = type(dialect)
        positional: Dialect = own(paramstyle="format" if dialect.name == "postgresql" else "qmark")
        statement = make(module)
        compiled = statement.compile(
            dialect=positional, column_keys=list(columns) if isinstance(statement, Insert) else None
        )
        names = list(compiled.positiontup or ())
        unknown = set(columns) - set(names)
        if unknown:
            raise ValueError(f"the statement takes no {', '.join(sorted(unknown))}")
        constants = [name for name in names if name not in columns]
        self._sql = str(compiled)
        self._constants = tuple(compiled.binds[name].effective_value for name in constants)
        order = [(*columns, *constants).index(name) for name in names]
        self._pick = itemgetter(*order)
        self._as_given = order == list(range(len(columns)))
        converters = [compiled.binds[name].type.dialect_impl(positional) for name in columns]
        found = [(n, c.bind_processor(positional)) for n, c in enumerate(converters)]
        self._converters = [(n, convert) for n, convert in found if convert is not None]

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        if self._converters:
            rows = [self._converted(row) for row in rows]
        if not self._as_given:
            pick, constants = self._pick, self._constants
            rows = [pick(row + constants) for row in rows]
        # One row needs no executemany, for which the driver opens and ends a pipeline.
        parameters = rows[0] if len(rows) == 1 else list(rows)
        result = connection.exec_driver_sql(
            self._sql, parameters, execution_options={"preserve_rowcount": True}
        )
        return result.rowcount

    def _converted(self, row: Row) -> Row:
        values = list(row)
        for n, convert in self._converters:
            values[n] = convert(values[n])
        return tuple(values)
