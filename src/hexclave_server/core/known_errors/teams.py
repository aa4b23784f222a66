"""Errors of teams, invitations and permissions (contract 00, "Teams, permissions, invitations")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core.errors import KnownError


class TeamNotFound(KnownError, code="TEAM_NOT_FOUND", status=404):
    """No such team in this project."""

    team_id: str

    @property
    def message(self) -> str:
        """Names the team."""
        return f"There is no team {self.team_id} in this project."


class TeamMembershipNotFound(KnownError, code="TEAM_MEMBERSHIP_NOT_FOUND", status=404):
    """The user is no member of the team."""

    team_id: str
    user_id: str

    @property
    def message(self) -> str:
        """Names both."""
        return f"User {self.user_id} is not a member of team {self.team_id}."


class TeamMembershipAlreadyExists(KnownError, code="TEAM_MEMBERSHIP_ALREADY_EXISTS", status=409):
    """The user is a member already."""

    message = "The user is a member of this team already."


class TeamPermissionRequired(KnownError, code="TEAM_PERMISSION_REQUIRED", status=401):
    """The client's user lacks a permission in the team."""

    team_id: str
    user_id: str
    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission, the user and the team."""
        return f"User {self.user_id} needs the permission {self.permission_id} in team {self.team_id} for this."


class TeamPermissionNotFound(KnownError, code="TEAM_PERMISSION_NOT_FOUND", status=401):
    """A permission to take away that the user does not have."""

    team_id: str
    user_id: str
    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission, the user and the team."""
        return f"User {self.user_id} does not have the permission {self.permission_id} in team {self.team_id}."


class ProjectPermissionRequired(KnownError, code="PROJECT_PERMISSION_REQUIRED", status=401):
    """The client's user lacks a permission in the project."""

    user_id: str
    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission and the user."""
        return f"User {self.user_id} needs the project permission {self.permission_id} for this."


class PermissionNotFound(KnownError, code="PERMISSION_NOT_FOUND", status=404):
    """No such permission is defined, or it is not granted."""

    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission."""
        return f"There is no permission {self.permission_id}. Define it first, or check its spelling."


class WrongPermissionScope(KnownError, code="WRONG_PERMISSION_SCOPE", status=404):
    """The permission is defined for teams where one for the project is needed, or the other way round."""

    permission_id: str
    expected_scope: str
    actual_scope: str | None

    @property
    def message(self) -> str:
        """Names both scopes."""
        return f"A {self.expected_scope} permission is needed here; {self.permission_id} is a {self.actual_scope or 'system'} permission."


class ContainedPermissionNotFound(KnownError, code="CONTAINED_PERMISSION_NOT_FOUND", status=400):
    """A permission is to contain one that does not exist."""

    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission."""
        return f"The contained permission {self.permission_id} does not exist. Define it first."


class PermissionIdAlreadyExists(KnownError, code="PERMISSION_ID_ALREADY_EXISTS", status=400):
    """The id of a new permission is taken."""

    permission_id: str

    @property
    def message(self) -> str:
        """Names the permission."""
        return f"There is a permission {self.permission_id} already. Choose another id."


class TeamInvitationRestrictedUserNotAllowed(KnownError, code="TEAM_INVITATION_RESTRICTED_USER_NOT_ALLOWED", status=403):
    """A restricted or anonymous user accepts an invitation; `restricted_reason` is `{"type": …}`."""

    restricted_reason: Mapping[str, Any]
    message = "Finish signing up before you accept the invitation; `restricted_reason` says what is missing."


class TeamInvitationEmailMismatch(KnownError, code="TEAM_INVITATION_EMAIL_MISMATCH", status=403):
    """The user does not own the invited address."""

    message = "The invitation was sent to another email address. Add and verify that address, or sign in with the account that has it."
