"""One counter that says "something cached changed", seen by every process of a node at once and by other nodes within a second.

Work that changes projects, keys, configuration or definitions calls `bump_generation` in its transaction. See DESIGN 4.2.
"""

from sqlalchemy import bindparam, select, update

from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.query import Query
from hexclave_server.core.db.tables import core_state

GENERATION_KEY = "generation"

READ_GENERATION = Query(select(core_state.c.counter).where(core_state.c.key == bindparam("key")))
BUMP_GENERATION = Query(update(core_state).where(core_state.c.key == bindparam("key")).values(counter=core_state.c.counter + 1))


async def bump_generation(conn: Connection) -> None:
    """Say that something cached changed; call it inside `write`. The row is there since the first migration."""
    changed = await conn.execute(BUMP_GENERATION, key=GENERATION_KEY)
    if changed != 1:
        msg = "the row of the generation is missing: the database is not migrated"
        raise RuntimeError(msg)
