"""Tables of projects, their tenancies and their key sets.

A tenancy is one branch of one project; every tenant table starts its primary key with the tenancy's id.
Keys are stored as SHA-256, with their last four characters for people to recognise them.
"""

from sqlalchemy import ForeignKey, Index, Table, UniqueConstraint

from hexclave_server.core.db import bool_column, id_column, json_column, metadata, millis_column, text_column

projects = Table(
    "projects",
    metadata,
    text_column("id", primary_key=True),
    text_column("display_name", nullable=False),
    text_column("description", nullable=False),
    text_column("logo_url"),
    text_column("logo_full_url"),
    text_column("logo_dark_mode_url"),
    text_column("logo_full_dark_mode_url"),
    bool_column("is_production_mode", nullable=False),
    bool_column("is_development_environment", nullable=False),
    text_column("onboarding_status", nullable=False),
    json_column("onboarding_state"),
    id_column("owner_team_id"),
    millis_column("created_at", nullable=False),
    Index("ix_projects_owner_team_id", "owner_team_id"),
)

tenancies = Table(
    "tenancies",
    metadata,
    id_column("id", primary_key=True),
    text_column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    text_column("branch_id", nullable=False),
    UniqueConstraint("project_id", "branch_id", name="uq_tenancies_project_id_branch_id"),
)

project_key_sets = Table(
    "project_key_sets",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("description", nullable=False),
    text_column("publishable_client_key_hash"),
    text_column("publishable_client_key_last_four"),
    text_column("secret_server_key_hash"),
    text_column("secret_server_key_last_four"),
    text_column("super_secret_admin_key_hash"),
    text_column("super_secret_admin_key_last_four"),
    bool_column("is_seeded", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("expires_at", nullable=False),
    millis_column("revoked_at"),
    Index("ix_project_key_sets_publishable_client_key_hash", "tenancy_id", "publishable_client_key_hash"),
    Index("ix_project_key_sets_secret_server_key_hash", "tenancy_id", "secret_server_key_hash"),
    Index("ix_project_key_sets_super_secret_admin_key_hash", "tenancy_id", "super_secret_admin_key_hash"),
)
