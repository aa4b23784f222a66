"""Statements on teams and memberships."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, insert, select, update

from hexclave_server.core.db import Query, insert_if_absent
from hexclave_server.teams.tables import team_memberships, teams

INSERT_TEAM = Query(
    insert(teams).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("team_id"),
        display_name=bindparam("display_name"),
        display_name_folded=bindparam("display_name_folded"),
        created_at=bindparam("now"),
    )
)

INSERT_MEMBERSHIP = Query(
    insert_if_absent(team_memberships).values(
        tenancy_id=bindparam("tenancy_id"),
        team_id=bindparam("team_id"),
        user_id=bindparam("user_id"),
        created_at=bindparam("now"),
    )
)

_IS_MEMBERSHIP = and_(
    team_memberships.c.tenancy_id == bindparam("tenancy_id"),
    team_memberships.c.team_id == bindparam("team_id"),
    team_memberships.c.user_id == bindparam("user_id"),
)

FIND_MEMBERSHIP = Query(select(team_memberships.c.created_at).where(_IS_MEMBERSHIP))

FIND_ANY_MEMBER = Query(
    select(team_memberships.c.user_id)
    .where(team_memberships.c.tenancy_id == bindparam("tenancy_id"), team_memberships.c.team_id == bindparam("team_id"))
    .limit(1)
)

RENAME_TEAMS_OF_MEMBER = Query(
    update(teams)
    .where(
        teams.c.tenancy_id == bindparam("tenancy_id"),
        teams.c.display_name == bindparam("former_name"),
        teams.c.id.in_(
            select(team_memberships.c.team_id).where(
                team_memberships.c.tenancy_id == bindparam("tenancy_id"), team_memberships.c.user_id == bindparam("user_id")
            )
        ),
    )
    .values(display_name=bindparam("name"), display_name_folded=bindparam("name_folded"))
)

LIST_TEAM_IDS_OF_MEMBER = Query(
    select(team_memberships.c.team_id)
    .where(team_memberships.c.tenancy_id == bindparam("tenancy_id"), team_memberships.c.user_id == bindparam("user_id"))
    .order_by(team_memberships.c.team_id)
)
