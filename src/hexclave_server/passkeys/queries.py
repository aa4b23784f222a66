"""The statements of passkeys."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hexclave_server.core.db import Query
from hexclave_server.passkeys.tables import passkeys

_OF_USER = and_(passkeys.c.tenancy_id == bindparam("tenancy_id"), passkeys.c.user_id == bindparam("user_id"))
_THIS = and_(passkeys.c.tenancy_id == bindparam("tenancy_id"), passkeys.c.credential_id == bindparam("credential_id"))

_NEW = insert(passkeys).values(
    tenancy_id=bindparam("tenancy_id"),
    credential_id=bindparam("credential_id"),
    user_id=bindparam("user_id"),
    public_key=bindparam("public_key"),
    sign_count=bindparam("sign_count"),
    rp_id=bindparam("rp_id"),
    is_backed_up=bindparam("is_backed_up"),
    created_at=bindparam("now"),
    last_used_at=None,
)
_REPLACED = ("public_key", "sign_count", "rp_id", "is_backed_up", "created_at", "last_used_at")
REGISTER = Query(
    _NEW.on_conflict_do_update(
        index_elements=["tenancy_id", "credential_id"],
        set_={name: _NEW.excluded[name] for name in _REPLACED},
        where=passkeys.c.user_id == _NEW.excluded.user_id,
    )
)
FIND = Query(select(passkeys.c.user_id, passkeys.c.public_key, passkeys.c.sign_count, passkeys.c.rp_id).where(_THIS))
_COUNT, _SHOWN = passkeys.c.sign_count, bindparam("sign_count", type_=passkeys.c.sign_count.type)
USE = Query(
    update(passkeys)
    .where(
        _THIS,
        passkeys.c.user_id == bindparam("user_id"),
        passkeys.c.public_key == bindparam("public_key"),
        or_(_COUNT < _SHOWN, and_(_COUNT == 0, _SHOWN == 0)),
    )
    .values(sign_count=_SHOWN, is_backed_up=bindparam("is_backed_up"), last_used_at=bindparam("now"))
)
DELETE_OF_USER = Query(delete(passkeys).where(_OF_USER))
