"""Permission definitions as configuration: the system permissions, and which ids exist in which scope (contract 06 §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Scope = Literal["team", "project"]

SYSTEM_PERMISSIONS = {
    "$update_team": "Update the team information",
    "$delete_team": "Delete the team",
    "$read_members": "Read and list the other members of the team",
    "$remove_members": "Remove other members from the team",
    "$invite_members": "Invite other users to the team",
    "$manage_api_keys": "Create and manage API keys for the team",
}
"""Id -> description. Team scope; always defined, contained in nothing but what definitions say, never in the configuration."""


def scope_of(config: Mapping[str, Any], permission_id: str) -> Scope | None:
    """The scope of a defined permission; None when there is no such definition."""
    if permission_id in SYSTEM_PERMISSIONS:
        return "team"
    scope: Scope | None = config["rbac"]["permissions"].get(permission_id, {}).get("scope")
    return scope


def default_permission_ids(config: Mapping[str, Any], occasion: Literal["teamCreator", "teamMember", "signUp"]) -> list[str]:
    """The ids granted on that occasion, as stored order; ids without a definition of the right scope are left out."""
    scope = "project" if occasion == "signUp" else "team"
    wanted: Mapping[str, bool] = config["rbac"]["defaultPermissions"][occasion]
    return [permission_id for permission_id, granted in wanted.items() if granted and scope_of(config, permission_id) == scope]
