"""Deleting a project leaves nothing behind: every table of tenants hangs on the tenancy."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Table

import hexclave_server.routes  # noqa: F401 - registers all tables
from hexclave_server.core.db import metadata

# Counters of attempts: keys of theirs reveal nobody, and they expire by themselves.
WITHOUT_FOREIGN_KEY = {"throttles"}


def _cascades(table: Table) -> bool:
    return any(
        constraint.referred_table.name == "tenancies" and constraint.ondelete == "CASCADE"
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
    )


def test_every_table_of_tenants_goes_with_its_tenancy() -> None:
    tables = [table for table in metadata.sorted_tables if "tenancy_id" in table.c]
    assert len(tables) >= 10
    assert [table.name for table in tables if not _cascades(table) and table.name not in WITHOUT_FOREIGN_KEY] == []


def test_every_foreign_key_has_an_index_to_delete_by() -> None:
    """Without one, deleting a project with a million users would scan a table for each of them."""
    missing = []
    for table in metadata.sorted_tables:
        indexes = [[column.name for column in index.columns] for index in table.indexes if index.dialect_options["sqlite"]["where"] is None]
        keys = [list(table.primary_key.columns.keys()), *indexes]
        keys += [list(c.columns.keys()) for c in table.constraints if type(c).__name__ == "UniqueConstraint"]
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                columns = set(constraint.column_keys)
                if not any(set(key[: len(columns)]) == columns for key in keys):
                    missing.append((table.name, sorted(columns)))
    assert missing == []
