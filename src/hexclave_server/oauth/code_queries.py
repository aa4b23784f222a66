"""The statements of authorization codes. One conditional write decides who exchanges a code."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, null, or_, select, tuple_, update

from hexclave_server.core.db import Query
from hexclave_server.oauth.tables import oauth_codes

PURGED_AT_ONCE = 1000


class CodeRow(msgspec.Struct, frozen=True):
    """A code as stored; times in epoch milliseconds."""

    user_id: str
    redirect_uri: str
    code_challenge: str
    is_new_user: bool
    after_callback_redirect_url: str | None
    sealed_refresh_token: str | None
    sealed_arrival: str | None
    session_id: str | None
    expires_at: int
    used_at: int | None


_THIS = and_(oauth_codes.c.tenancy_id == bindparam("tenancy_id"), oauth_codes.c.code_hash == bindparam("code_hash"))

INSERT_CODE = Query(
    insert(oauth_codes).values(
        tenancy_id=bindparam("tenancy_id"),
        code_hash=bindparam("code_hash"),
        user_id=bindparam("user_id"),
        redirect_uri=bindparam("redirect_uri"),
        code_challenge=bindparam("code_challenge"),
        is_new_user=bindparam("is_new_user"),
        after_callback_redirect_url=bindparam("after_callback_redirect_url"),
        sealed_refresh_token=bindparam("sealed_refresh_token"),
        sealed_arrival=bindparam("sealed_arrival"),
        session_id=None,
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
        used_at=None,
    )
)

FIND_CODE = Query(
    select(
        oauth_codes.c.user_id,
        oauth_codes.c.redirect_uri,
        oauth_codes.c.code_challenge,
        oauth_codes.c.is_new_user,
        oauth_codes.c.after_callback_redirect_url,
        oauth_codes.c.sealed_refresh_token,
        oauth_codes.c.sealed_arrival,
        oauth_codes.c.session_id,
        oauth_codes.c.expires_at,
        oauth_codes.c.used_at,
    ).where(_THIS)
)

USE_UP_CODE = Query(
    update(oauth_codes)
    .where(_THIS, oauth_codes.c.used_at.is_(None), oauth_codes.c.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"), sealed_arrival=null(), sealed_refresh_token=null())
)

NOTE_SESSION = Query(update(oauth_codes).where(_THIS).values(session_id=bindparam("session_id")))

VOID_OF_USER = Query(
    delete(oauth_codes).where(
        oauth_codes.c.tenancy_id == bindparam("tenancy_id"), oauth_codes.c.user_id == bindparam("user_id"), oauth_codes.c.used_at.is_(None)
    )
)

_KEY = (oauth_codes.c.tenancy_id, oauth_codes.c.code_hash)
_LONG_OVER = oauth_codes.c.expires_at <= bindparam("before")
# Not of the whole day: no index knows who is unused.
_NEVER_USED = and_(oauth_codes.c.used_at.is_(None), oauth_codes.c.expires_at.between(bindparam("recently"), bindparam("now")))
PURGE_CODES = Query(delete(oauth_codes).where(tuple_(*_KEY).in_(select(*_KEY).where(or_(_LONG_OVER, _NEVER_USED)).limit(PURGED_AT_ONCE))))
