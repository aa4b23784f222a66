"""The statements of sessions. All of them name the tenancy; the conditions of the writes decide races against revocation."""

from __future__ import annotations

import msgspec
from sqlalchemy import BigInteger, and_, bindparam, case, delete, func, insert, select, tuple_, update

from hexclave_server.core.db import Query, holds
from hexclave_server.sessions.tables import sessions

PURGED_AT_ONCE = 1000


class SessionRow(msgspec.Struct, frozen=True):
    """One session as its user and administrators see it; times are epoch milliseconds."""

    id: str
    user_id: str
    created_at: int
    last_used_at: int
    is_impersonation: bool
    last_used_end_user: str | None


_of_tenancy = sessions.c.tenancy_id == bindparam("tenancy_id")
_of_user = and_(_of_tenancy, sessions.c.user_id == bindparam("user_id"))
_of_id = and_(_of_tenancy, sessions.c.id == bindparam("session_id"))

CREATE = Query(
    insert(sessions).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("session_id"),
        user_id=bindparam("user_id"),
        refresh_token_hash=bindparam("refresh_token_hash"),
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
        last_used_at=bindparam("now"),
        is_impersonation=bindparam("is_impersonation"),
        last_used_end_user=bindparam("end_user"),
    )
)

FIND_LIVE = Query(
    select(sessions.c.id, sessions.c.user_id).where(
        _of_tenancy,
        sessions.c.refresh_token_hash == bindparam("refresh_token_hash"),
        sessions.c.expires_at > bindparam("now"),
    )
)

USE = Query(
    update(sessions)
    .where(_of_id, sessions.c.expires_at > bindparam("now"))
    .values(
        last_used_at=bindparam("now"),
        last_used_end_user=func.coalesce(bindparam("end_user", type_=sessions.c.last_used_end_user.type), sessions.c.last_used_end_user),
    )
)

HAND_ON = Query(
    update(sessions)
    .where(_of_id, sessions.c.expires_at > bindparam("now"))
    .values(
        expires_at=case((holds(sessions.c.is_impersonation), sessions.c.expires_at), else_=bindparam("expires_at", type_=BigInteger())),
        last_used_at=bindparam("now"),
        last_used_end_user=func.coalesce(bindparam("end_user", type_=sessions.c.last_used_end_user.type), sessions.c.last_used_end_user),
    )
)

LIST_OF_USER = Query(
    select(
        sessions.c.id,
        sessions.c.user_id,
        sessions.c.created_at,
        sessions.c.last_used_at,
        sessions.c.is_impersonation,
        sessions.c.last_used_end_user,
    )
    .where(_of_user)
    .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
)

FIND_USER = Query(select(sessions.c.user_id).where(_of_id))
END = Query(delete(sessions).where(_of_id))
END_ALL = Query(delete(sessions).where(_of_user))
END_ALL_BUT_ONE = Query(delete(sessions).where(_of_user, sessions.c.refresh_token_hash != bindparam("kept_hash")))

_KEY = (sessions.c.tenancy_id, sessions.c.id)
_IS_OUTDATED = sessions.c.expires_at <= bindparam("before")
PURGE = Query(delete(sessions).where(tuple_(*_KEY).in_(select(*_KEY).where(_IS_OUTDATED).limit(PURGED_AT_ONCE))))
