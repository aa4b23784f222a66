"""The statements of one-time codes."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, insert, literal_column, null, select, tuple_, update

from hexclave_server.core.db import Query
from hexclave_server.verification_codes.tables import UNSUBSCRIBE_LINK, verification_codes

PURGED_AT_ONCE = 1000

_THIS_NONCE = and_(
    verification_codes.c.tenancy_id == bindparam("tenancy_id"),
    verification_codes.c.kind == bindparam("kind"),
    verification_codes.c.nonce_hash == bindparam("nonce_hash"),
)
_IS_OUTDATED = verification_codes.c.expires_at <= bindparam("before")

CREATE = Query(
    insert(verification_codes).values(
        tenancy_id=bindparam("tenancy_id"),
        kind=bindparam("kind"),
        nonce_hash=bindparam("nonce_hash"),
        code_hash=bindparam("code_hash"),
        user_id=bindparam("user_id"),
        payload=bindparam("payload"),
        attempts=0,
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
    )
)

COUNT_ATTEMPT = Query(
    update(verification_codes)
    .where(_THIS_NONCE)
    .values(attempts=verification_codes.c.attempts + 1)
    .returning(
        verification_codes.c.code_hash,
        verification_codes.c.user_id,
        verification_codes.c.payload,
        verification_codes.c.attempts,
        verification_codes.c.expires_at,
        verification_codes.c.used_at,
    )
)

REDEEM = Query(
    update(verification_codes)
    .where(
        _THIS_NONCE,
        verification_codes.c.code_hash == bindparam("code_hash"),
        verification_codes.c.used_at.is_(None),
        verification_codes.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
)

FIND_PAYLOAD = Query(select(verification_codes.c.payload).where(_THIS_NONCE))
FIND_TENANCY_OF_LINK = Query(
    select(verification_codes.c.tenancy_id).where(
        verification_codes.c.kind == literal_column(f"'{UNSUBSCRIBE_LINK}'"), verification_codes.c.nonce_hash == bindparam("nonce_hash")
    )
)
GIVE_BACK = Query(update(verification_codes).where(_THIS_NONCE).values(used_at=null()))

_OF_USER = and_(verification_codes.c.tenancy_id == bindparam("tenancy_id"), verification_codes.c.user_id == bindparam("user_id"))
VOID_OF_USER = Query(delete(verification_codes).where(_OF_USER, verification_codes.c.kind == bindparam("kind")))
DELETE_OF_USER_BUT_ONE_KIND = Query(delete(verification_codes).where(_OF_USER, verification_codes.c.kind != bindparam("kept_kind")))
EMPTY_OF_USER = Query(update(verification_codes).where(_OF_USER).values(payload=null()))

_KEY = (verification_codes.c.tenancy_id, verification_codes.c.kind, verification_codes.c.nonce_hash)
PURGE = Query(delete(verification_codes).where(tuple_(*_KEY).in_(select(*_KEY).where(_IS_OUTDATED).limit(PURGED_AT_ONCE))))
