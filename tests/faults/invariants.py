"""What must hold in the database at any moment, whatever was killed: nothing that is written together is there in part.

Each statement lists the rows that break one rule, for users as `ledger` makes them: by sign-up or by a server, with an address to
sign in with and a personal team, all in one transaction.
"""

from __future__ import annotations

from tests.server import RunningServer
from tests.stored import require_sound, rows

BROKEN = {
    "a user has a primary address to sign in with": """
        SELECT u.id FROM users u WHERE NOT EXISTS (
            SELECT 1 FROM contact_channels c
            WHERE c.tenancy_id = u.tenancy_id AND c.user_id = u.id AND c.is_primary AND c.used_for_auth)""",
    "an address belongs to a user": """
        SELECT c.id FROM contact_channels c WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.tenancy_id = c.tenancy_id AND u.id = c.user_id)""",
    "a user has one personal team, which is selected": """
        SELECT u.id FROM users u WHERE 1 <> (
            SELECT count(*) FROM team_memberships m JOIN teams t ON t.tenancy_id = m.tenancy_id AND t.id = m.team_id
            WHERE m.tenancy_id = u.tenancy_id AND m.user_id = u.id AND u.selected_team_id = t.id)""",
    "a member of a team has the permissions of its creator": """
        SELECT m.user_id FROM team_memberships m WHERE NOT EXISTS (
            SELECT 1 FROM team_permission_grants g WHERE g.tenancy_id = m.tenancy_id AND g.team_id = m.team_id AND g.user_id = m.user_id)""",
    "a session belongs to a user": """
        SELECT s.id FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.tenancy_id = s.tenancy_id AND u.id = s.user_id)""",
}


def require_invariants(server: RunningServer) -> None:
    """Fails with the rows that break a rule, and where SQLite finds its file damaged."""
    require_sound(server)
    broken = {rule: found for rule, statement in BROKEN.items() if (found := rows(server, statement))}
    assert not broken, broken


def teams_without_members(server: RunningServer) -> int:
    """How many teams have no member. Those of deleted users stay; others could only be the half of a sign-up."""
    statement = """
        SELECT count(*) FROM teams t WHERE NOT EXISTS (
            SELECT 1 FROM team_memberships m WHERE m.tenancy_id = t.tenancy_id AND m.team_id = t.id)"""
    return int(rows(server, statement)[0][0])
