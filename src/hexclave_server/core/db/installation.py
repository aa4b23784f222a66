"""What the database remembers of its installation: which master secret its ciphertexts and codes were made with.

Only a check value is kept, which reveals nothing about the secret. The first server writes it; every later one compares.
"""

from sqlalchemy import bindparam, select

from hexclave_server.core.db.expressions import insert_if_absent
from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.query import Query
from hexclave_server.core.db.tables import core_state

MASTER_KEY_CHECK = "master_key_check"

FIND_STATE = Query(select(core_state.c.value).where(core_state.c.key == bindparam("key")))
KEEP_STATE = Query(insert_if_absent(core_state).values(key=bindparam("key"), value=bindparam("value")))


async def find_master_key_check(conn: Connection) -> str | None:
    """The check value of the master secret in use, None in a new database."""
    value: str | None = await conn.value(FIND_STATE, key=MASTER_KEY_CHECK)
    return value


async def keep_master_key_check(conn: Connection, check_value: str) -> str:
    """Writes the check value unless there is one; the one that counts. `conn` is a write transaction."""
    await conn.execute(KEEP_STATE, key=MASTER_KEY_CHECK, value=check_value)
    return await find_master_key_check(conn) or check_value
