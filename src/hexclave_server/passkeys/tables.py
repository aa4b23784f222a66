"""The table of passkeys. A credential id belongs to one user of a project; a user may have several.

`credential_id` and `public_key` (COSE) are base64url without padding. `sign_count` is the counter the authenticator showed last.
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table

from hexclave_server.core.db import big_int_column, bool_column, id_column, metadata, millis_column, text_column

passkeys = Table(
    "passkeys",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("credential_id", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("public_key", nullable=False),
    big_int_column("sign_count", nullable=False),
    text_column("rp_id", nullable=False),
    bool_column("is_backed_up", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("last_used_at"),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    Index("ix_passkeys_user_id", "tenancy_id", "user_id"),
)
