"""Which permissions a new user, team creator or team member gets (contract 06 §1): a pure reading of the configuration.

The configuration may still name ids whose definition is gone or of the other scope; these are skipped.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

SYSTEM_TEAM_PERMISSIONS = frozenset(
    ("$update_team", "$delete_team", "$read_members", "$remove_members", "$invite_members", "$manage_api_keys")
)


class DefaultKind(enum.StrEnum):
    """The three sets of default permissions; the values are keys of `rbac.defaultPermissions`."""

    SIGN_UP = "signUp"
    TEAM_CREATOR = "teamCreator"
    TEAM_MEMBER = "teamMember"

    @property
    def scope(self) -> str:
        """The scope that a definition must have to be granted by this set."""
        return "project" if self is DefaultKind.SIGN_UP else "team"


def default_permission_ids(config: Mapping[str, Any], kind: DefaultKind) -> list[str]:
    """The ids to grant, in the order in which listings show them: compared upper-cased, by code unit."""
    rbac = config["rbac"]
    definitions = rbac["permissions"]
    named = (id_ for id_, granted in rbac["defaultPermissions"][kind.value].items() if granted is True)
    return sorted((id_ for id_ in named if _is_defined(definitions, id_, kind.scope)), key=str.upper)


def _is_defined(definitions: Mapping[str, Any], permission_id: str, scope: str) -> bool:
    if permission_id.startswith("$"):
        return scope == "team" and permission_id in SYSTEM_TEAM_PERMISSIONS
    definition = definitions.get(permission_id)
    return definition is not None and definition.get("scope") == scope
