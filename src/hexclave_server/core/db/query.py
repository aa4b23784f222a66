"""Statements built once with SQLAlchemy Core, compiled once per database, run by the driver itself.

SQLAlchemy's own execution costs several times what the drivers do (DESIGN 2), so only its compiler is used. What that leaves to do is
here: the order of the parameters, constants (`LIMIT ? OFFSET ?`), lists, booleans on SQLite, and rows as structs.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import Boolean, ClauseElement
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler

from hexclave_server.core.db.expressions import InList

R = TypeVar("R")


@cache
def _dialect(*, for_sqlite: bool) -> Dialect:
    if for_sqlite:
        from sqlalchemy.dialects.sqlite.pysqlite import dialect as sqlite_dialect  # noqa: PLC0415 - one of the two in memory

        dialect = sqlite_dialect(paramstyle="qmark")
        # A condition on a boolean column is the column itself, as in the WHERE of a partial index: SQLite uses the index only then.
        dialect.supports_native_boolean = True
        return dialect
    from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql_dialect  # noqa: PLC0415

    return postgresql_dialect()  # type: ignore[no-untyped-call]


class CompiledQuery:
    """The SQL of one query for one database, with what its parameters and rows need."""

    __slots__ = ("_booleans", "_columns", "_constants", "_decoders", "_given", "_lists", "_names", "sql", "writes")

    def __init__(self, statement: ClauseElement, *, for_sqlite: bool) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=_dialect(for_sqlite=for_sqlite)))
        _refuse_what_needs_sqlalchemy(compiled)
        self.sql = str(compiled)
        self.writes = bool(compiled.isinsert or compiled.isupdate or compiled.isdelete)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        required = {bind.key for bind in compiled.binds.values() if bind.required}
        self._given = frozenset(name for name in self._names if name in required)
        self._constants = {name: compiled.params[name] for name in self._names if name not in required}
        lists = {part.list_name for part in visitors.iterate(statement) if isinstance(part, InList)}
        self._lists = lists if for_sqlite else set()
        columns = list(getattr(statement, "exported_columns", ()))
        self._columns = tuple(getattr(column, "name", None) for column in columns)
        self._booleans = tuple(i for i, column in enumerate(columns) if for_sqlite and isinstance(column.type, Boolean))
        self._decoders: dict[type, Callable[[Sequence[Any]], Any]] = {}

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the SQL. Raises TypeError where one is missing or unknown."""
        if params.keys() != self._given:
            params = self._with_more(params)
        values = {**self._constants, **params} if self._constants else params
        if self._lists:
            values = {name: _json_list(value) if name in self._lists else value for name, value in values.items()}
        return [values[name] for name in self._names]

    def _with_more(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        missing = self._given - params.keys()
        unknown = params.keys() - self._given - self._constants.keys()
        if missing or unknown:
            msg = f"parameters missing: {sorted(missing)}, unknown: {sorted(unknown)}, of: {self.sql}"
            raise TypeError(msg)
        return params

    def decoder(self, row: type[R]) -> Callable[[Sequence[Any]], R]:
        """Makes a struct of a row. Raises TypeError unless the struct's fields are the query's columns, in order."""
        decoder = self._decoders.get(row)
        return decoder if decoder is not None else self._new_decoder(row)

    def _new_decoder(self, row: type[R]) -> Callable[[Sequence[Any]], R]:
        fields: tuple[str, ...] = row.__struct_fields__  # type: ignore[attr-defined]
        if fields != self._columns:
            msg = f"the fields of {row.__name__} are {fields}, the columns are {self._columns}, of: {self.sql}"
            raise TypeError(msg)
        booleans = self._booleans

        def decode(values: Sequence[Any]) -> R:
            return row(*values)

        def decode_with_booleans(values: Sequence[Any]) -> R:
            fixed = list(values)
            for i in booleans:
                if fixed[i] is not None:
                    fixed[i] = fixed[i] != 0
            return row(*fixed)

        decoder = decode_with_booleans if booleans else decode
        self._decoders[row] = decoder
        return decoder

    def first_value(self, values: Sequence[Any]) -> Any:
        """The first column of a row."""
        value = values[0]
        return value != 0 if 0 in self._booleans and value is not None else value


class Query:
    """A statement with named parameters (`bindparam`), for both databases."""

    __slots__ = ("_postgresql", "_sqlite", "statement")

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement
        self._sqlite: CompiledQuery | None = None
        self._postgresql: CompiledQuery | None = None

    def for_sqlite(self) -> CompiledQuery:
        """The query as SQLite takes it."""
        if self._sqlite is None:
            self._sqlite = CompiledQuery(self.statement, for_sqlite=True)
        return self._sqlite

    def for_postgresql(self) -> CompiledQuery:
        """The query as asyncpg takes it."""
        if self._postgresql is None:
            self._postgresql = CompiledQuery(self.statement, for_sqlite=False)
        return self._postgresql


def _json_list(value: Sequence[Any]) -> str:
    return msgspec.json.encode(value).decode()


def _refuse_what_needs_sqlalchemy(compiled: SQLCompiler) -> None:
    if compiled.post_compile_params:
        msg = "in_([...]) is expanded by SQLAlchemy at run time: use one_of (constants) or in_list (a parameter)"
        raise TypeError(msg)
    if compiled.insert_prefetch or compiled.update_prefetch:
        msg = "defaults of columns are computed by SQLAlchemy at run time: give the values"
        raise TypeError(msg)
