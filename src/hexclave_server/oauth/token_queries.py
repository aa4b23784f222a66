"""The statements of provider tokens."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, true

from hexclave_server.core.db import Query
from hexclave_server.oauth.tables import oauth_tokens

INSERT_TOKEN = Query(
    insert(oauth_tokens).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        oauth_account_id=bindparam("oauth_account_id"),
        kind=bindparam("kind"),
        sealed_token=bindparam("sealed_token"),
        scopes=bindparam("scopes"),
        is_valid=true(),
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
    )
)
