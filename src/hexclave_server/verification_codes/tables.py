"""The table of one-time codes.

No code can be read or searched for here: both columns are keyed hashes. The nonce is all but the first six characters; by its hash the row
is found and its attempts are counted, whether or not the first six were right (contract 02 §1.4).
`user_id` has no foreign key: deleting a user ends his codes by `service.forget_user`, which leaves a trace of those for his password.
"""

from sqlalchemy import ForeignKey, Index, Table, text

from hexclave_server.core.db import id_column, int_column, json_column, metadata, millis_column, text_column

UNSUBSCRIBE_LINK = "unsubscribe"
"""The one kind whose codes are looked up without a tenancy, by an index of their own."""

verification_codes = Table(
    "verification_codes",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("kind", primary_key=True),
    text_column("nonce_hash", primary_key=True),
    text_column("code_hash", nullable=False),
    id_column("user_id"),
    json_column("payload"),
    int_column("attempts", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("used_at"),
    Index("ix_verification_codes_user_id", "tenancy_id", "user_id"),
    Index("ix_verification_codes_expires_at", "expires_at"),
)

_IS_LINK = text(f"kind = '{UNSUBSCRIBE_LINK}'")
Index(
    "ix_verification_codes_unsubscribe",
    verification_codes.c.nonce_hash,
    sqlite_where=_IS_LINK,
    postgresql_where=_IS_LINK,
)
