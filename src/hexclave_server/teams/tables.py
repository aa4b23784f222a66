"""Tables of teams and their memberships (contract 06). A membership may override the user's name and image in that team."""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table

from hexclave_server.core.db import id_column, json_column, metadata, millis_column, text_column

teams = Table(
    "teams",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("display_name", nullable=False),
    text_column("display_name_folded", nullable=False),
    text_column("profile_image_url"),
    json_column("client_metadata"),
    json_column("client_read_only_metadata"),
    json_column("server_metadata"),
    millis_column("created_at", nullable=False),
    Index("ix_teams_created_at", "tenancy_id", "created_at", "id"),
)

team_memberships = Table(
    "team_memberships",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("team_id", primary_key=True),
    id_column("user_id", primary_key=True),
    text_column("display_name"),
    text_column("profile_image_url"),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "team_id"], ["teams.tenancy_id", "teams.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    Index("ix_team_memberships_user_id", "tenancy_id", "user_id", "team_id"),
)
