"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

ID = sa.Text().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")


def upgrade() -> None:  # noqa: PLR0915 - a list of tables
    op.create_table(
        "admin_setup_codes",
        sa.Column("code_hash", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_admin_setup_codes")),
    )
    op.create_table(
        "core_state",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_state")),
    )
    op.create_table(
        "projects",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("logo_url", TEXT, nullable=True),
        sa.Column("logo_full_url", TEXT, nullable=True),
        sa.Column("logo_dark_mode_url", TEXT, nullable=True),
        sa.Column("logo_full_dark_mode_url", TEXT, nullable=True),
        sa.Column("is_production_mode", sa.Boolean(), nullable=False),
        sa.Column("is_development_environment", sa.Boolean(), nullable=False),
        sa.Column("onboarding_status", TEXT, nullable=False),
        sa.Column("onboarding_state", JSON, nullable=True),
        sa.Column("owner_team_id", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index("ix_projects_owner_team_id", ["owner_team_id"], unique=False)

    op.create_table(
        "throttles",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("earliest_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenancy_id", "key", name=op.f("pk_throttles")),
    )
    with op.batch_alter_table("throttles", schema=None) as batch_op:
        batch_op.create_index("ix_throttles_earliest_at", ["earliest_at"], unique=False)

    op.create_table(
        "tenancies",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", TEXT, nullable=False),
        sa.Column("branch_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_tenancies_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenancies")),
        sa.UniqueConstraint("project_id", "branch_id", name="uq_tenancies_project_id_branch_id"),
    )
    op.create_table(
        "config_overrides",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("override", JSON, nullable=False),
        sa.Column("source", JSON, nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_config_overrides_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "level", name=op.f("pk_config_overrides")),
    )
    op.create_table(
        "project_key_sets",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("publishable_client_key_hash", TEXT, nullable=True),
        sa.Column("publishable_client_key_last_four", TEXT, nullable=True),
        sa.Column("secret_server_key_hash", TEXT, nullable=True),
        sa.Column("secret_server_key_last_four", TEXT, nullable=True),
        sa.Column("super_secret_admin_key_hash", TEXT, nullable=True),
        sa.Column("super_secret_admin_key_last_four", TEXT, nullable=True),
        sa.Column("is_seeded", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_project_key_sets_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_project_key_sets")),
    )
    with op.batch_alter_table("project_key_sets", schema=None) as batch_op:
        batch_op.create_index(
            "ix_project_key_sets_publishable_client_key_hash", ["tenancy_id", "publishable_client_key_hash"], unique=False
        )
        batch_op.create_index("ix_project_key_sets_secret_server_key_hash", ["tenancy_id", "secret_server_key_hash"], unique=False)
        batch_op.create_index(
            "ix_project_key_sets_super_secret_admin_key_hash", ["tenancy_id", "super_secret_admin_key_hash"], unique=False
        )

    op.create_table(
        "signing_keys",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_type", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("kid", TEXT, nullable=False),
        sa.Column("public_jwk", JSON, nullable=False),
        sa.Column("private_key", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("signs_from", sa.BigInteger(), nullable=True),
        sa.Column("retires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_signing_keys_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "teams",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("display_name_folded", TEXT, nullable=False),
        sa.Column("profile_image_url", TEXT, nullable=True),
        sa.Column("client_metadata", JSON, nullable=True),
        sa.Column("client_read_only_metadata", JSON, nullable=True),
        sa.Column("server_metadata", JSON, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_teams_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_teams")),
    )
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.create_index("ix_teams_created_at", ["tenancy_id", "created_at", "id"], unique=False)

    op.create_table(
        "users",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("display_name", TEXT, nullable=True),
        sa.Column("display_name_folded", TEXT, nullable=True),
        sa.Column("profile_image_url", TEXT, nullable=True),
        sa.Column("signed_up_at", sa.BigInteger(), nullable=False),
        sa.Column("last_active_at", sa.BigInteger(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("restricted_by_admin", sa.Boolean(), nullable=False),
        sa.Column("restricted_by_admin_reason", TEXT, nullable=True),
        sa.Column("restricted_by_admin_private_details", TEXT, nullable=True),
        sa.Column("client_metadata", JSON, nullable=True),
        sa.Column("client_read_only_metadata", JSON, nullable=True),
        sa.Column("server_metadata", JSON, nullable=True),
        sa.Column("password_hash", TEXT, nullable=True),
        sa.Column("otp_auth_enabled", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", TEXT, nullable=True),
        sa.Column("requires_totp_mfa", sa.Boolean(), nullable=False),
        sa.Column("selected_team_id", ID, nullable=True),
        sa.Column("country_code", TEXT, nullable=True),
        sa.Column("risk_bot", sa.Integer(), nullable=False),
        sa.Column("risk_free_trial_abuse", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_users_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_users")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index("ix_users_last_active_at", ["tenancy_id", "last_active_at", "id"], unique=False)
        batch_op.create_index(
            "ix_users_listed_last_active_at", ["tenancy_id", "is_anonymous", "restricted_by_admin", "last_active_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_users_listed_signed_up_at", ["tenancy_id", "is_anonymous", "restricted_by_admin", "signed_up_at", "id"], unique=False
        )
        batch_op.create_index("ix_users_signed_up_at", ["tenancy_id", "signed_up_at", "id"], unique=False)

    op.create_table(
        "contact_channels",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("used_for_auth", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"],
            ["users.tenancy_id", "users.id"],
            name=op.f("fk_contact_channels_tenancy_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_contact_channels_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_contact_channels")),
        sa.UniqueConstraint("tenancy_id", "user_id", "type", "value", name="uq_contact_channels_value_of_user"),
    )
    with op.batch_alter_table("contact_channels", schema=None) as batch_op:
        batch_op.create_index(
            "uq_contact_channels_primary",
            ["tenancy_id", "user_id", "type"],
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        )
        batch_op.create_index(
            "uq_contact_channels_used_for_auth",
            ["tenancy_id", "type", "value"],
            unique=True,
            sqlite_where=sa.text("used_for_auth"),
            postgresql_where=sa.text("used_for_auth"),
        )

    op.create_table(
        "oauth_accounts",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("provider_id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("allow_sign_in", sa.Boolean(), nullable=False),
        sa.Column("allow_connected_accounts", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"],
            ["users.tenancy_id", "users.id"],
            name=op.f("fk_oauth_accounts_tenancy_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_oauth_accounts_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_oauth_accounts")),
    )
    with op.batch_alter_table("oauth_accounts", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_accounts_user_id", ["tenancy_id", "user_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "uq_oauth_accounts_sign_in",
            ["tenancy_id", "provider_id", "account_id"],
            unique=True,
            sqlite_where=sa.text("allow_sign_in"),
            postgresql_where=sa.text("allow_sign_in"),
        )

    op.create_table(
        "project_permission_grants",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("permission_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"],
            ["users.tenancy_id", "users.id"],
            name=op.f("fk_project_permission_grants_tenancy_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_project_permission_grants_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "user_id", "permission_id", name=op.f("pk_project_permission_grants")),
    )
    op.create_table(
        "sessions",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("refresh_token_hash", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("is_impersonation", sa.Boolean(), nullable=False),
        sa.Column("last_used_end_user", JSON, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], name=op.f("fk_sessions_tenancy_id_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_sessions_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("tenancy_id", "refresh_token_hash", name="uq_sessions_refresh_token_hash"),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_user_id", ["tenancy_id", "user_id", "created_at", "id"], unique=False)

    op.create_table(
        "team_memberships",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("display_name", TEXT, nullable=True),
        sa.Column("profile_image_url", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "team_id"],
            ["teams.tenancy_id", "teams.id"],
            name=op.f("fk_team_memberships_tenancy_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"],
            ["users.tenancy_id", "users.id"],
            name=op.f("fk_team_memberships_tenancy_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_team_memberships_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "team_id", "user_id", name=op.f("pk_team_memberships")),
    )
    with op.batch_alter_table("team_memberships", schema=None) as batch_op:
        batch_op.create_index("ix_team_memberships_user_id", ["tenancy_id", "user_id", "team_id"], unique=False)

    op.create_table(
        "verification_codes",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("nonce_hash", TEXT, nullable=False),
        sa.Column("code_hash", TEXT, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("payload", JSON, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_verification_codes_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "kind", "nonce_hash", name=op.f("pk_verification_codes")),
    )
    with op.batch_alter_table("verification_codes", schema=None) as batch_op:
        batch_op.create_index("ix_verification_codes_expires_at", ["expires_at"], unique=False)
        batch_op.create_index(
            "ix_verification_codes_unsubscribe",
            ["nonce_hash"],
            unique=False,
            sqlite_where=sa.text("kind = 'unsubscribe'"),
            postgresql_where=sa.text("kind = 'unsubscribe'"),
        )
        batch_op.create_index("ix_verification_codes_user_id", ["tenancy_id", "user_id"], unique=False)

    op.create_table(
        "team_permission_grants",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("permission_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "team_id", "user_id"],
            ["team_memberships.tenancy_id", "team_memberships.team_id", "team_memberships.user_id"],
            name=op.f("fk_team_permission_grants_tenancy_id_team_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_team_permission_grants_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "team_id", "user_id", "permission_id", name=op.f("pk_team_permission_grants")),
    )
    with op.batch_alter_table("team_permission_grants", schema=None) as batch_op:
        batch_op.create_index("ix_team_permission_grants_user_id", ["tenancy_id", "user_id"], unique=False)
