"""Sign-in with providers: flows, codes, tokens, and the issuers of accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

ID = sa.Text().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "oauth_flows",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("state_hash", TEXT, nullable=False),
        sa.Column("provider_id", TEXT, nullable=False),
        sa.Column("sealed_flow", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_oauth_flows_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "state_hash", name=op.f("pk_oauth_flows")),
        sa.UniqueConstraint("state_hash", name="uq_oauth_flows_state_hash"),
    )
    with op.batch_alter_table("oauth_flows", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_flows_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "oauth_codes",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("code_hash", TEXT, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("redirect_uri", TEXT, nullable=False),
        sa.Column("code_challenge", TEXT, nullable=False),
        sa.Column("is_new_user", sa.Boolean(), nullable=False),
        sa.Column("after_callback_redirect_url", TEXT, nullable=True),
        sa.Column("sealed_refresh_token", TEXT, nullable=True),
        sa.Column("sealed_arrival", TEXT, nullable=True),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], name=op.f("fk_oauth_codes_tenancy_id_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_oauth_codes_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "code_hash", name=op.f("pk_oauth_codes")),
    )
    with op.batch_alter_table("oauth_codes", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_codes_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_oauth_codes_user_id", ["tenancy_id", "user_id"], unique=False)

    op.create_table(
        "oauth_tokens",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("oauth_account_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("sealed_token", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "oauth_account_id"],
            ["oauth_accounts.tenancy_id", "oauth_accounts.id"],
            name=op.f("fk_oauth_tokens_tenancy_id_oauth_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_oauth_tokens_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_oauth_tokens")),
    )
    with op.batch_alter_table("oauth_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_tokens_account", ["tenancy_id", "oauth_account_id", "kind", "created_at"], unique=False)
        batch_op.create_index("ix_oauth_tokens_expires_at", ["expires_at"], unique=False)

    with op.batch_alter_table("oauth_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("issuer", TEXT, nullable=False, server_default=""))
        batch_op.create_index(
            "uq_oauth_accounts_account_of_user", ["tenancy_id", "user_id", "provider_id", "account_id", "issuer"], unique=True
        )
        batch_op.drop_index("uq_oauth_accounts_sign_in")
        batch_op.create_index(
            "uq_oauth_accounts_sign_in",
            ["tenancy_id", "account_id", "provider_id", "issuer"],
            unique=True,
            sqlite_where=sa.text("allow_sign_in"),
            postgresql_where=sa.text("allow_sign_in"),
        )
