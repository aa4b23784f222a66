"""The table of idempotency keys.

A key is kept as a keyed hash together with who sent it. The answer may hold tokens, so it lies here encrypted (purpose `idempotency`,
row = key hash). `locked_until` says how long nobody else may start the same work while there is no answer yet.
"""

from sqlalchemy import ForeignKey, Index, Table

from hexclave_server.core.db import id_column, metadata, millis_column, text_column

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("key_hash", primary_key=True),
    text_column("fingerprint", nullable=False),
    text_column("sealed_answer"),
    millis_column("created_at", nullable=False),
    millis_column("locked_until", nullable=False),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
