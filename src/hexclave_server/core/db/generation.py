"""One counter that says "something cached changed", seen by every process of a node at once and by other nodes within a second.

Work that changes projects, keys, configuration or definitions calls `bump_generation` in its transaction. See DESIGN 4.2.
"""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.query import Query
from hexclave_server.core.db.tables import core_state

GENERATION_KEY = "generation"

READ_GENERATION = Query(select(core_state.c.counter).where(core_state.c.key == bindparam("key")))
BUMP_GENERATION = Query(
    insert(core_state)
    .values(key=bindparam("key"), counter=1)
    .on_conflict_do_update(index_elements=["key"], set_={"counter": core_state.c.counter + 1})
)


async def bump_generation(conn: Connection) -> None:
    """Say that something cached changed; call it inside `write`."""
    await conn.execute(BUMP_GENERATION, key=GENERATION_KEY)
