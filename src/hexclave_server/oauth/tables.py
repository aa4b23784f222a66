"""The tables of OAuth: accounts at providers, their tokens, and sign-ins on their way.

An account is known by provider and account id alone, and for generic OpenID Connect by the issuer besides (empty for all others), never by
its email. Tokens of providers are encrypted (purpose `oauth-token`, row = token id); their scopes are separated by spaces; until
`leased_until` a refresh token is in somebody's hands. A flow is a browser on its way to a provider and back: it is found by the SHA-256 of
its inner state, and what it carries is encrypted (purpose `oauth-flow`, row = state hash). A code is what the application exchanges for
tokens: kept as SHA-256; with it, encrypted (purpose `oauth-code`, row = code hash), the refresh token of a session that is handed to another
domain, or (purpose `oauth-arrival`) what is done for a user only when the code is exchanged. `session_id` is the session that came of it,
which ends when the code is brought a second time (RFC 6749 §4.1.2).
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table, UniqueConstraint

from hexclave_server.core.db import bool_column, id_column, metadata, millis_column, text_column

oauth_accounts = Table(
    "oauth_accounts",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("provider_id", nullable=False),
    text_column("account_id", nullable=False),
    text_column("issuer", nullable=False, server_default=""),
    text_column("email"),
    bool_column("allow_sign_in", nullable=False),
    bool_column("allow_connected_accounts", nullable=False),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    Index("uq_oauth_accounts_account_of_user", "tenancy_id", "user_id", "provider_id", "account_id", "issuer", unique=True),
    Index("ix_oauth_accounts_user_id", "tenancy_id", "user_id", "created_at", "id"),
)

Index(
    "uq_oauth_accounts_sign_in",
    oauth_accounts.c.tenancy_id,
    oauth_accounts.c.account_id,  # first, since it is also looked for over all providers
    oauth_accounts.c.provider_id,
    oauth_accounts.c.issuer,
    unique=True,
    sqlite_where=oauth_accounts.c.allow_sign_in,
    postgresql_where=oauth_accounts.c.allow_sign_in,
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    id_column("oauth_account_id", nullable=False),
    text_column("kind", nullable=False),
    text_column("sealed_token", nullable=False),
    text_column("scopes", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("expires_at"),
    millis_column("leased_until"),
    ForeignKeyConstraint(["tenancy_id", "oauth_account_id"], ["oauth_accounts.tenancy_id", "oauth_accounts.id"], ondelete="CASCADE"),
    Index("ix_oauth_tokens_account", "tenancy_id", "oauth_account_id", "kind", "created_at"),
    Index("ix_oauth_tokens_expires_at", "expires_at"),
)

oauth_flows = Table(
    "oauth_flows",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("state_hash", primary_key=True),
    text_column("provider_id", nullable=False),
    text_column("sealed_flow", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("used_at"),
    UniqueConstraint("state_hash", name="uq_oauth_flows_state_hash"),
    Index("ix_oauth_flows_expires_at", "expires_at"),
)

oauth_codes = Table(
    "oauth_codes",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    text_column("code_hash", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("redirect_uri", nullable=False),
    text_column("code_challenge", nullable=False),
    bool_column("is_new_user", nullable=False),
    text_column("after_callback_redirect_url"),
    text_column("sealed_refresh_token"),
    text_column("sealed_arrival"),
    id_column("session_id"),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("used_at"),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    Index("ix_oauth_codes_user_id", "tenancy_id", "user_id"),
    Index("ix_oauth_codes_expires_at", "expires_at"),
)
