"""Statements on the one-time codes that make an administrator."""

from sqlalchemy import bindparam, delete, insert, select, update

from hexclave_server.administrators.tables import admin_setup_codes
from hexclave_server.core.db import Query

INSERT_CODE = Query(
    insert(admin_setup_codes).values(code_hash=bindparam("code_hash"), created_at=bindparam("now"), expires_at=bindparam("expires_at"))
)
DELETE_OUTDATED_CODES = Query(delete(admin_setup_codes).where(admin_setup_codes.c.expires_at <= bindparam("now")))

_IS_GOOD = (
    admin_setup_codes.c.code_hash == bindparam("hash"),
    admin_setup_codes.c.used_at.is_(None),
    admin_setup_codes.c.expires_at > bindparam("now"),
)
FIND_GOOD_CODE = Query(select(admin_setup_codes.c.expires_at).where(*_IS_GOOD))
REDEEM_CODE = Query(update(admin_setup_codes).where(*_IS_GOOD).values(used_at=bindparam("now")))
