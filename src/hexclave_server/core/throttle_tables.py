"""The table of security throttles.

A row says when its subject will have all its tries again; a row whose time has passed means nothing and can be purged. `key` is a keyed
hash: no address or email lies in this table. Without a foreign key, since also unknown accounts are counted and rows purge themselves.
"""

from sqlalchemy import Index, Table

from hexclave_server.core.db import id_column, metadata, millis_column, text_column

throttles = Table(
    "throttles",
    metadata,
    id_column("tenancy_id", primary_key=True),
    text_column("key", primary_key=True),
    millis_column("earliest_at", nullable=False),
    Index("ix_throttles_earliest_at", "earliest_at"),
)
