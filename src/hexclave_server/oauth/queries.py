"""Statements on users' accounts at OAuth providers."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, select, true, update

from hexclave_server.core.db import Query, holds, insert_if_absent, upsert
from hexclave_server.oauth.tables import oauth_accounts


class SignInAccount(msgspec.Struct, frozen=True):
    """An account that signs a user in: its own id, and the user's."""

    id: str
    user_id: str


_accounts = oauth_accounts.c
_at_provider = and_(_accounts.tenancy_id == bindparam("tenancy_id"), _accounts.provider_id == bindparam("provider_id"))

FIND_FOR_SIGN_IN = Query(
    select(_accounts.id, _accounts.user_id).where(
        _at_provider,
        _accounts.account_id == bindparam("account_id"),
        _accounts.issuer == bindparam("issuer"),
        holds(_accounts.allow_sign_in),
    )
)

SIGNS_IN_WITH = Query(
    select(_accounts.id).where(_at_provider, _accounts.user_id == bindparam("user_id"), holds(_accounts.allow_sign_in)).limit(1)
)

LINK = Query(
    upsert(
        oauth_accounts,
        "tenancy_id",
        "user_id",
        "provider_id",
        "account_id",
        "issuer",
        update=("email", "allow_sign_in", "allow_connected_accounts"),
        values={
            "tenancy_id": bindparam("tenancy_id"),
            "id": bindparam("id"),
            "user_id": bindparam("user_id"),
            "provider_id": bindparam("provider_id"),
            "account_id": bindparam("account_id"),
            "issuer": bindparam("issuer"),
            "email": bindparam("email"),
            "allow_sign_in": true(),
            "allow_connected_accounts": true(),
            "created_at": bindparam("now"),
        },
    ).returning(_accounts.id)
)

_COLUMNS = (
    _accounts.id,
    _accounts.user_id,
    _accounts.provider_id,
    _accounts.account_id,
    _accounts.issuer,
    _accounts.email,
    _accounts.allow_sign_in,
    _accounts.allow_connected_accounts,
)
_OF_USER = and_(_accounts.tenancy_id == bindparam("tenancy_id"), _accounts.user_id == bindparam("user_id"))
_ONE_OF_USER = and_(_OF_USER, _accounts.id == bindparam("id"))

FIND_OF_USER = Query(select(*_COLUMNS).where(_ONE_OF_USER))
LIST_OF_USER = Query(select(*_COLUMNS).where(_OF_USER).order_by(_accounts.created_at, _accounts.id))
LIST_ALL = Query(select(*_COLUMNS).where(_accounts.tenancy_id == bindparam("tenancy_id")).order_by(_accounts.created_at, _accounts.id))
SIGNS_ANYBODY_IN = Query(
    select(_accounts.id)
    .where(
        _accounts.tenancy_id == bindparam("tenancy_id"),
        _accounts.account_id == bindparam("account_id"),
        _accounts.issuer == bindparam("issuer"),
        _accounts.id != bindparam("but_id"),
        holds(_accounts.allow_sign_in),
    )
    .limit(1)
)

INSERT = Query(
    insert(oauth_accounts).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        provider_id=bindparam("provider_id"),
        account_id=bindparam("account_id"),
        issuer=bindparam("issuer"),
        email=bindparam("email"),
        allow_sign_in=bindparam("allow_sign_in"),
        allow_connected_accounts=bindparam("allow_connected_accounts"),
        created_at=bindparam("now"),
    )
)
UPDATE = Query(
    update(oauth_accounts)
    .where(_ONE_OF_USER)
    .values(
        account_id=bindparam("account_id"),
        email=bindparam("email"),
        allow_sign_in=bindparam("allow_sign_in"),
        allow_connected_accounts=bindparam("allow_connected_accounts"),
    )
)
DELETE = Query(delete(oauth_accounts).where(_ONE_OF_USER))

INSERT_ACCOUNT = Query(
    insert_if_absent(oauth_accounts).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        provider_id=bindparam("provider_id"),
        account_id=bindparam("account_id"),
        issuer=bindparam("issuer"),
        email=bindparam("email"),
        allow_sign_in=True,
        allow_connected_accounts=True,
        created_at=bindparam("now"),
    )
)
