"""The few expressions that the two databases spell differently, so that queries are written once."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import ARRAY, Boolean, ColumnElement, FromClause, Join, Table, Text, bindparam, literal_column, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from hexclave_server.core.db.schema import JSON_TEXT


class InList(FunctionElement[bool]):
    """`column IN (…)` with the whole list as one parameter."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], list_name: str) -> None:
        self.list_name = list_name
        super().__init__(column, bindparam(list_name, type_=ARRAY(column.type).with_variant(Text(), "sqlite")))


class _Contains(FunctionElement[bool]):
    inherit_cache = False
    type = Boolean()


class _JoinInOrder(Join):
    inherit_cache = False


class _JsonObjects(FunctionElement[str]):
    """The aggregate: alternating names and values, then the order."""

    inherit_cache = False
    type = Text()

    def __init__(self, fields: Sequence[ColumnElement[Any]], order_by: Sequence[ColumnElement[Any]]) -> None:
        self.field_count = len(fields)
        super().__init__(*fields, *order_by)


def in_list(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The column is one of the values of the list given as parameter `name`; an empty list matches nothing."""
    return InList(column, name)


def one_of(column: ColumnElement[Any], *values: Any) -> ColumnElement[bool]:
    """The column is one of these constants."""
    return or_(*(column == value for value in values))


def holds(column: ColumnElement[bool]) -> ColumnElement[bool]:
    """The boolean column is true, written bare (`.is_(True)` is not): only so does SQLite see that a partial index serves."""
    return column


def contains(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The text parameter `name` occurs in the column, code unit by code unit, without wildcards."""
    return _Contains(column, bindparam(name, type_=Text()))


def json_array_of(
    *columns: ColumnElement[Any], where: ColumnElement[bool], order_by: Iterable[ColumnElement[Any]] = (), within: FromClause
) -> ColumnElement[str]:
    """A subquery: the rows of `within` that match `where` (which may refer to the outer query) as a JSON array of objects, as text.

    Objects are keyed by the columns' names; numbers, booleans, null and JSON columns are JSON's own, the latter not byte for byte.
    `[]` where there are none.
    """
    aggregate = _JsonObjects(columns, tuple(order_by))
    return select(aggregate).select_from(within).where(where).correlate_except(within).scalar_subquery()


def join_in_order(left: FromClause, right: FromClause, on: ColumnElement[bool]) -> Join:
    """An inner join that SQLite, which knows no statistics, must begin on the left."""
    return _JoinInOrder(left, right, on)


def insert_if_absent(table: Table, *index_columns: str, index_where: ColumnElement[bool] | None = None) -> Insert:
    """INSERT that does nothing where a row with these columns (none named: any unique key) exists; add `.values()`, `.returning()`."""
    return insert(table).on_conflict_do_nothing(index_elements=index_columns or None, index_where=index_where)


def upsert(table: Table, *index_columns: str, update: Sequence[str], values: dict[str, Any] | None = None) -> Insert:
    """INSERT that, where a row with `index_columns` exists, sets its columns `update` to the values of this insert."""
    statement = insert(table) if values is None else insert(table).values(**values)
    return statement.on_conflict_do_update(index_elements=index_columns, set_={name: statement.excluded[name] for name in update})


@compiles(InList, "sqlite")
def _in_list_sqlite(element: InList, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"


@compiles(InList, "postgresql")
def _in_list_postgresql(element: InList, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} = ANY ({values}))"


@compiles(_JoinInOrder, "sqlite")
def _join_in_order_sqlite(element: _JoinInOrder, compiler: SQLCompiler, **options: Any) -> str:
    left, right = (compiler.process(part, **{**options, "asfrom": True}) for part in (element.left, element.right))
    on = compiler.process(cast("ColumnElement[bool]", element.onclause), **options)
    return f"{left} CROSS JOIN {right} ON {on}"


@compiles(_Contains, "sqlite")
def _contains_sqlite(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **options)}) > 0)"


@compiles(_Contains, "postgresql")
def _contains_postgresql(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **options)}) > 0)"


@compiles(_JsonObjects, "sqlite")
def _json_objects_sqlite(element: _JsonObjects, compiler: SQLCompiler, **options: Any) -> str:
    return _json_objects(element, compiler, "json_group_array", "json_object", options)


@compiles(_JsonObjects, "postgresql")
def _json_objects_postgresql(element: _JsonObjects, compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce({_json_objects(element, compiler, 'json_agg', 'json_build_object', options)}, '[]')"


def _json_objects(element: _JsonObjects, compiler: SQLCompiler, array: str, make_object: str, options: dict[str, Any]) -> str:
    parts = list(element.clauses)
    fields, order = parts[: element.field_count], parts[element.field_count :]
    members = []
    for field in fields:
        value = compiler.process(field, **{**options, "within_columns_clause": False})
        if array == "json_group_array" and isinstance(field.type, Boolean):  # SQLite has no booleans of its own
            value = f"json(CASE {value} WHEN 0 THEN 'false' WHEN 1 THEN 'true' ELSE 'null' END)"
        elif array == "json_group_array" and field.type is JSON_TEXT:  # nor JSON: it would be quoted as text
            value = f"json({value})"
        members.append(f"{compiler.process(literal_column(_quoted(field.name)))}, {value}")
    order_by = " ORDER BY " + ", ".join(compiler.process(part, **options) for part in order) if order else ""
    return f"{array}({make_object}({', '.join(members)}){order_by})"


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
