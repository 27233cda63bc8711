"""Many values as one parameter: the statement stays the same however many there are, and is built once.

SQLAlchemy's own `in_` writes a parameter for each value, every time.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NULLTYPE, TypeDecorator, TypeEngine


class _Listed(TypeDecorator[Any]):
    """A list of `item`: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own: TypeEngine[Any] = ARRAY(self.item) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(own)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return list(value)
        convert = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps(list(value) if convert is None else [convert(each) for each in value])


class one_of(FunctionElement[Any]):  # noqa: N801 - reads as an SQL operator where it is used
    """`one_of(column, "ids")`: the column's value is among those given as the parameter `ids`."""

    # As a Boolean it would be compared with 1 where a database has none, and no index would serve it.
    type: Any = NULLTYPE
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=_Listed(column.type)))


@compiles(one_of, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = element.clauses
    return f"({compiler.process(column, **kw)} = ANY({compiler.process(values, **kw)}))"


@compiles(one_of, "sqlite")
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = element.clauses
    name, given = compiler.process(column, **kw), compiler.process(values, **kw)
    return f"({name} IN (SELECT value FROM json_each({given})))"  # noqa: S608 - a column and a placeholder
