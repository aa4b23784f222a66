"""The statements of providers' tokens. One conditional write decides who may use a refresh token, since many are good for one use only."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import and_, bindparam, delete, func, insert, null, or_, select, tuple_, update

from hexclave_server.core.db import Query, in_list
from hexclave_server.oauth.tables import oauth_tokens

ACCESS: Final = "access"
REFRESH: Final = "refresh"
KEPT_OF_SCOPES: Final = 5
KEPT_OF_KIND: Final = 50
PURGED_AT_ONCE: Final = 1000


class TokenRow(msgspec.Struct, frozen=True):
    """A token as stored; times in epoch milliseconds."""

    id: str
    oauth_account_id: str
    sealed_token: str
    scopes: str
    created_at: int


_tokens = oauth_tokens.c
_COLUMNS = (_tokens.id, _tokens.oauth_account_id, _tokens.sealed_token, _tokens.scopes, _tokens.created_at)
_THIS = and_(_tokens.tenancy_id == bindparam("tenancy_id"), _tokens.id == bindparam("id"))
_OF_ACCOUNTS = and_(_tokens.tenancy_id == bindparam("tenancy_id"), in_list(_tokens.oauth_account_id, "account_ids"))

INSERT = Query(
    insert(oauth_tokens).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        oauth_account_id=bindparam("oauth_account_id"),
        kind=bindparam("kind"),
        sealed_token=bindparam("sealed_token"),
        scopes=bindparam("scopes"),
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
        leased_until=null(),
    )
)

LIST_ACCESS_TOKENS = Query(
    select(*_COLUMNS)
    .where(_OF_ACCOUNTS, _tokens.kind == ACCESS, _tokens.expires_at > bindparam("expires_after"))
    .order_by(_tokens.created_at.desc(), _tokens.id)
)
LIST_REFRESH_TOKENS = Query(select(*_COLUMNS).where(_OF_ACCOUNTS, _tokens.kind == REFRESH).order_by(_tokens.created_at.desc(), _tokens.id))

LEASE = Query(
    update(oauth_tokens)
    .where(_THIS, or_(_tokens.leased_until.is_(None), _tokens.leased_until <= bindparam("now")))
    .values(leased_until=bindparam("until"))
)
GIVE_BACK = Query(update(oauth_tokens).where(_THIS).values(leased_until=null()))
DELETE = Query(delete(oauth_tokens).where(_THIS))
DELETE_OF_ACCOUNT = Query(
    delete(oauth_tokens).where(_tokens.tenancy_id == bindparam("tenancy_id"), _tokens.oauth_account_id == bindparam("oauth_account_id"))
)

_NEWEST_FIRST = (_tokens.created_at.desc(), _tokens.id)
_ranked = (
    select(
        _tokens.id,
        func.row_number().over(partition_by=(_tokens.kind, _tokens.scopes), order_by=_NEWEST_FIRST).label("of_scopes"),
        func.row_number().over(partition_by=_tokens.kind, order_by=_NEWEST_FIRST).label("of_kind"),
    )
    .where(_tokens.tenancy_id == bindparam("tenancy_id"), _tokens.oauth_account_id == bindparam("oauth_account_id"))
    .subquery()
)
DELETE_FORMER = Query(
    delete(oauth_tokens).where(
        _tokens.tenancy_id == bindparam("tenancy_id"),
        _tokens.id.in_(select(_ranked.c.id).where(or_(_ranked.c.of_scopes > KEPT_OF_SCOPES, _ranked.c.of_kind > KEPT_OF_KIND))),
    )
)

_KEY = (_tokens.tenancy_id, _tokens.id)
PURGE = Query(
    delete(oauth_tokens).where(tuple_(*_KEY).in_(select(*_KEY).where(_tokens.expires_at <= bindparam("now")).limit(PURGED_AT_ONCE)))
)
