"""The table of users' accounts at OAuth providers. An account is known by provider and account id alone, never by its email."""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table

from hexclave_server.core.db import bool_column, id_column, metadata, millis_column, text_column

oauth_accounts = Table(
    "oauth_accounts",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("provider_id", nullable=False),
    text_column("account_id", nullable=False),
    text_column("email"),
    bool_column("allow_sign_in", nullable=False),
    bool_column("allow_connected_accounts", nullable=False),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    Index("ix_oauth_accounts_user_id", "tenancy_id", "user_id", "created_at", "id"),
)

Index(
    "uq_oauth_accounts_sign_in",
    oauth_accounts.c.tenancy_id,
    oauth_accounts.c.provider_id,
    oauth_accounts.c.account_id,
    unique=True,
    sqlite_where=oauth_accounts.c.allow_sign_in,
    postgresql_where=oauth_accounts.c.allow_sign_in,
)
