"""The statements of recovery codes."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, func, insert, select

from hexclave_server.core.db import Query
from hexclave_server.mfa.tables import recovery_codes

_OF_USER = and_(recovery_codes.c.tenancy_id == bindparam("tenancy_id"), recovery_codes.c.user_id == bindparam("user_id"))

CREATE = Query(
    insert(recovery_codes).values(
        tenancy_id=bindparam("tenancy_id"),
        user_id=bindparam("user_id"),
        code_hash=bindparam("code_hash"),
        created_at=bindparam("now"),
    )
)
USE = Query(delete(recovery_codes).where(_OF_USER, recovery_codes.c.code_hash == bindparam("code_hash")))
DELETE_ALL = Query(delete(recovery_codes).where(_OF_USER))
COUNT = Query(select(func.count()).select_from(recovery_codes).where(_OF_USER))
