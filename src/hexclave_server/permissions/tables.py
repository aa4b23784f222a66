"""Tables of direct grants (contract 06 §1). Definitions are configuration; a grant of an id that has none is ignored on read."""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table

from hexclave_server.core.db import id_column, metadata, millis_column, text_column

team_permission_grants = Table(
    "team_permission_grants",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("team_id", primary_key=True),
    id_column("user_id", primary_key=True),
    text_column("permission_id", primary_key=True),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(
        ["tenancy_id", "team_id", "user_id"],
        ["team_memberships.tenancy_id", "team_memberships.team_id", "team_memberships.user_id"],
        ondelete="CASCADE",
    ),
    Index("ix_team_permission_grants_user_id", "tenancy_id", "user_id"),
)

project_permission_grants = Table(
    "project_permission_grants",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("user_id", primary_key=True),
    text_column("permission_id", primary_key=True),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
)
