"""One-time codes that make an administrator (`hexclave admin link`). Only an HMAC of the code is kept."""

from sqlalchemy import Table

from hexclave_server.core.db import metadata, millis_column, text_column

admin_setup_codes = Table(
    "admin_setup_codes",
    metadata,
    text_column("code_hash", primary_key=True),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("used_at"),
)
