"""The table of recovery codes: keyed hashes; a used code is gone."""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Table

from hexclave_server.core.db import id_column, metadata, millis_column, text_column

recovery_codes = Table(
    "recovery_codes",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("user_id", primary_key=True),
    text_column("code_hash", primary_key=True),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
)
