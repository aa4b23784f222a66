"""The table of logins of command lines.

Both codes are stored as SHA-256. The refresh tokens must be handed on as they are, so they lie here encrypted (purpose `cli-login`, row =
login id), and only until they were fetched. `anonymous_*` is the session that the command line had before, `started_from` its client
address: it is shown to whoever is asked to confirm.
"""

from sqlalchemy import ForeignKey, Index, Table, UniqueConstraint

from hexclave_server.core.db import id_column, metadata, millis_column, text_column

cli_logins = Table(
    "cli_logins",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("polling_code_hash", nullable=False),
    text_column("login_code_hash", nullable=False),
    text_column("sealed_refresh_token"),
    text_column("sealed_anonymous_refresh_token"),
    text_column("started_from"),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("anonymous_claimed_at"),
    millis_column("completed_at"),
    millis_column("fetched_at"),
    UniqueConstraint("tenancy_id", "polling_code_hash", name="uq_cli_logins_polling_code_hash"),
    UniqueConstraint("tenancy_id", "login_code_hash", name="uq_cli_logins_login_code_hash"),
    Index("ix_cli_logins_expires_at", "expires_at"),
)
