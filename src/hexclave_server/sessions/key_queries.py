"""The statements of signing keys. Who changes a key's role names the role that it must still have, which decides between two rotations."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, select, update

from hexclave_server.core.db import Query
from hexclave_server.sessions.tables import signing_keys


class SigningKeyRow(msgspec.Struct, frozen=True):
    """One key pair; times are epoch milliseconds, `private_key` is encrypted."""

    id: str
    user_type: str
    role: str
    public_jwk: str
    private_key: str
    created_at: int
    signs_from: int | None
    retires_at: int | None


_of_tenancy = signing_keys.c.tenancy_id == bindparam("tenancy_id")
_of_key = and_(_of_tenancy, signing_keys.c.id == bindparam("key_id"), signing_keys.c.role == bindparam("former_role"))

CREATE = Query(
    insert(signing_keys).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("key_id"),
        user_type=bindparam("user_type"),
        role=bindparam("role"),
        kid=bindparam("kid"),
        public_jwk=bindparam("public_jwk"),
        private_key=bindparam("private_key"),
        created_at=bindparam("now"),
        signs_from=bindparam("signs_from"),
    )
)

LIST = Query(
    select(
        signing_keys.c.id,
        signing_keys.c.user_type,
        signing_keys.c.role,
        signing_keys.c.public_jwk,
        signing_keys.c.private_key,
        signing_keys.c.created_at,
        signing_keys.c.signs_from,
        signing_keys.c.retires_at,
    ).where(_of_tenancy)
)

BECOME_FORMER = Query(update(signing_keys).where(_of_key).values(role=bindparam("role"), retires_at=bindparam("retires_at")))
BECOME_CURRENT = Query(update(signing_keys).where(_of_key).values(role=bindparam("role"), signs_from=bindparam("signs_from")))
REMOVE = Query(delete(signing_keys).where(_of_key))
