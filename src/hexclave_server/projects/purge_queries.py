"""The statements that remove a deleted project's rows, a thousand at a time, in every table that has a `tenancy_id`."""

from __future__ import annotations

from functools import cache

from sqlalchemy import bindparam, delete, select, tuple_

from hexclave_server.core.db import Query, metadata

ROWS_AT_ONCE = 1_000


@cache
def deletions() -> list[Query]:
    """One statement per table of tenants, those that refer to others first; called when all tables are registered."""
    statements = []
    for table in reversed(metadata.sorted_tables):
        if "tenancy_id" not in table.c:
            continue
        of_tenancy = table.c.tenancy_id == bindparam("tenancy_id")
        key = list(table.primary_key.columns)
        chosen = select(*key).where(of_tenancy).limit(ROWS_AT_ONCE)
        statements.append(Query(delete(table).where(of_tenancy, tuple_(*key).in_(chosen))))
    return statements
