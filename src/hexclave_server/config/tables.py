"""The configuration overrides of a tenancy, one row per level, as they were written (contract 04 §8)."""

from sqlalchemy import ForeignKey, Table

from hexclave_server.core.db import id_column, json_column, metadata, millis_column, text_column

config_overrides = Table(
    "config_overrides",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("level", primary_key=True),
    json_column("override", nullable=False),
    json_column("source"),
    millis_column("updated_at", nullable=False),
)
