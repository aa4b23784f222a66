"""Deleting a project: out of reach in one small transaction, its rows in many.

A single DELETE of a project with a million users would hold the one writer of SQLite, and with it the whole server, for minutes. So the
tenancy is moved to a tombstone, a project that nothing finds; then its rows go a thousand at a time, in every table that has a
`tenancy_id`, before the tombstone itself. Small projects are gone when the request is answered; what a crash leaves the job takes up.
"""

from __future__ import annotations

from hexclave_server.core.context import INTERNAL_PROJECT_ID
from hexclave_server.core.db import Connection, Database, bump_generation
from hexclave_server.core.errors import PlainError
from hexclave_server.projects import queries
from hexclave_server.projects.purge_queries import ROWS_AT_ONCE, deletions

STEPS_BEFORE_ANSWERING = 20
PURGE_INTERVAL_SECONDS = 60


async def delete_project(database: Database, project_id: str) -> None:
    """Deletes the project and everything in it; of a large one the rest is deleted in the background.

    Raises PlainError 400 for `internal`, whose users manage all others. Opens its own transactions.
    """
    if project_id == INTERNAL_PROJECT_ID:
        raise PlainError(400, "The project internal cannot be deleted: its users manage all other projects.")
    await database.write(lambda conn: bury_project(conn, project_id))
    for _ in range(STEPS_BEFORE_ANSWERING):
        if not await database.write(purge_step):
            break


async def bury_project(conn: Connection, project_id: str) -> None:
    """Puts the project out of reach of everything but `purge_step`. Part of a write transaction."""
    tenancy_ids = await conn.all(queries.TenancyId, queries.LIST_TENANCIES, project_id=project_id)
    for tenancy in tenancy_ids:
        tombstone = queries.TOMBSTONE_PREFIX + tenancy.id
        await conn.execute(queries.CREATE_TOMBSTONE, tombstone_id=tombstone)
        await conn.execute(queries.BURY_TENANCY, tenancy_id=tenancy.id, tombstone_id=tombstone)
    await conn.execute(queries.DELETE_PROJECT, project_id=project_id)
    await bump_generation(conn)


async def purge_step(conn: Connection) -> int:
    """Deletes some rows of a buried project; how many, 0 when none is left. Part of a write transaction."""
    buried = await conn.first(queries.BuriedTenancy, queries.FIND_BURIED)
    if buried is None:
        return 0
    removed = 0
    for deletion in deletions():
        removed += await conn.execute(deletion, tenancy_id=buried.id)
        if removed >= ROWS_AT_ONCE:
            return removed
    return removed + await conn.execute(queries.DELETE_PROJECT, project_id=buried.project_id)
