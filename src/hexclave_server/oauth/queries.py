"""Statements on users' accounts at OAuth providers, as far as creating users needs them."""

from __future__ import annotations

from sqlalchemy import bindparam

from hexclave_server.core.db import Query, insert_if_absent
from hexclave_server.oauth.tables import oauth_accounts

INSERT_ACCOUNT = Query(
    insert_if_absent(oauth_accounts).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        provider_id=bindparam("provider_id"),
        account_id=bindparam("account_id"),
        issuer=None,
        email=bindparam("email"),
        allow_sign_in=True,
        allow_connected_accounts=True,
        created_at=bindparam("now"),
    )
)
