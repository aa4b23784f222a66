"""Statements on direct grants of permissions."""

from __future__ import annotations

from sqlalchemy import bindparam

from hexclave_server.core.db import Query, insert_if_absent
from hexclave_server.permissions.tables import project_permission_grants, team_permission_grants

GRANT_TEAM_PERMISSION = Query(
    insert_if_absent(team_permission_grants).values(
        tenancy_id=bindparam("tenancy_id"),
        team_id=bindparam("team_id"),
        user_id=bindparam("user_id"),
        permission_id=bindparam("permission_id"),
        created_at=bindparam("now"),
    )
)

GRANT_PROJECT_PERMISSION = Query(
    insert_if_absent(project_permission_grants).values(
        tenancy_id=bindparam("tenancy_id"),
        user_id=bindparam("user_id"),
        permission_id=bindparam("permission_id"),
        created_at=bindparam("now"),
    )
)
