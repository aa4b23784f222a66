"""Tables of sessions and of the keys that sign their access tokens.

A refresh token is stored as SHA-256. `last_used_end_user` is the wire form of the session's IP information as JSON.
A signing key's private half is encrypted (purpose `signing-key`, row = key id). `role`: `current` signs, `next` is published ahead of its turn,
`former` verifies until `retires_at` (contract 01 §1.1).
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table, UniqueConstraint

from hexclave_server.core.db import bool_column, id_column, json_column, metadata, millis_column, text_column

sessions = Table(
    "sessions",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("refresh_token_hash", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("last_used_at", nullable=False),
    bool_column("is_impersonation", nullable=False),
    json_column("last_used_end_user"),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    UniqueConstraint("tenancy_id", "refresh_token_hash", name="uq_sessions_refresh_token_hash"),
    Index("ix_sessions_user_id", "tenancy_id", "user_id", "created_at", "id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("user_type", nullable=False),
    text_column("role", nullable=False),
    text_column("kid", nullable=False),
    json_column("public_jwk", nullable=False),
    text_column("private_key", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("signs_from"),
    millis_column("retires_at"),
)
