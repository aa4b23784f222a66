"""What the configuration of a new project says at the environment level (contract 04 §4), and that of `internal` (§1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hexclave_server.config.defaults import APP_IDS

_EVERYTHING = ("$update_team", "$delete_team", "$read_members", "$remove_members", "$invite_members", "$manage_api_keys")
_MEMBER = "Default permission for team members"
_ADMIN = "Default permission for team admins"


def _team_permission(description: str, contained: Iterable[str]) -> dict[str, Any]:
    return {"description": description, "scope": "team", "containedPermissionIds": dict.fromkeys(contained, True)}


def new_project_overrides() -> dict[str, Any]:
    """Environment override of a project that an administrator creates; what he supplies is merged over it."""
    return {
        "domains.allowLocalhost": True,
        "auth.password.allowSignIn": True,
        "rbac.permissions.team_member": _team_permission(_MEMBER, ("$read_members", "$invite_members")),
        "rbac.permissions.team_admin": _team_permission(_ADMIN, _EVERYTHING),
        "rbac.defaultPermissions.teamCreator": {"team_admin": True},
        "rbac.defaultPermissions.teamMember": {"team_member": True},
        "apps.installed.authentication.enabled": True,
        "apps.installed.emails.enabled": True,
    }


def internal_project_overrides(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Environment override of `internal` at its first seeding; `settings` are the keys that the deployment decides."""
    return {
        "auth.password.allowSignIn": True,
        "teams.createPersonalTeamOnSignUp": True,
        "teams.allowClientTeamCreation": True,
        "rbac.permissions.team_member": _team_permission(_MEMBER, ("$read_members",)),
        "rbac.permissions.team_admin": _team_permission(_ADMIN, ("$read_members", "$remove_members", "$update_team")),
        "rbac.defaultPermissions.teamCreator": {"team_admin": True},
        "rbac.defaultPermissions.teamMember": {"team_member": True},
        **{f"apps.installed.{app_id}.enabled": True for app_id in APP_IDS},
        **settings,
    }
