"""The statements of one-time codes."""

from __future__ import annotations

from sqlalchemy import bindparam, insert

from hexclave_server.core.db import Query
from hexclave_server.verification_codes.tables import verification_codes

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
