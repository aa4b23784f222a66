"""The database layer: one schema, one interface, two drivers (apsw for SQLite, asyncpg for PostgreSQL).

Features import everything from here. Drivers are imported only when a database of their kind is opened.
"""

from hexclave_server.core.db.errors import (
    ConstraintViolation,
    DatabaseUnavailable,
    ForeignKeyViolation,
    TransactionIsOver,
    UniqueViolation,
    WaitedInTransaction,
)
from hexclave_server.core.db.expressions import contains, holds, in_list, insert_if_absent, join_in_order, json_array_of, one_of, upsert
from hexclave_server.core.db.generation import bump_generation
from hexclave_server.core.db.interface import Connection, Database, Dialect
from hexclave_server.core.db.opening import make_database, sqlite_path
from hexclave_server.core.db.query import Query
from hexclave_server.core.db.schema import (
    big_int_column,
    bool_column,
    id_column,
    int_column,
    json_column,
    metadata,
    millis_column,
    text_column,
)
from hexclave_server.core.db.tables import core_state

__all__ = [
    "Connection",
    "ConstraintViolation",
    "Database",
    "DatabaseUnavailable",
    "Dialect",
    "ForeignKeyViolation",
    "Query",
    "TransactionIsOver",
    "UniqueViolation",
    "WaitedInTransaction",
    "big_int_column",
    "bool_column",
    "bump_generation",
    "contains",
    "core_state",
    "holds",
    "id_column",
    "in_list",
    "insert_if_absent",
    "int_column",
    "join_in_order",
    "json_array_of",
    "json_column",
    "make_database",
    "metadata",
    "millis_column",
    "one_of",
    "sqlite_path",
    "text_column",
    "upsert",
]
