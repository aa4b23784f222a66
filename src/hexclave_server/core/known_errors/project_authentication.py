"""Errors of a project's credentials (contract 00, "Project authentication"; raised in the order of §2).

SDKs act on the groups: any `InvalidAdminAccessToken` makes them refresh the owner's session and repeat the request.
"""

from __future__ import annotations

from collections.abc import Sequence

from hexclave_server.core.errors import KnownError


class ProjectAuthenticationError(KnownError):
    """Group: something about the project's credentials."""


class InvalidProjectAuthentication(ProjectAuthenticationError):
    """Group: credentials are there and wrong."""


class ProjectKeyWithoutAccessType(InvalidProjectAuthentication, code="PROJECT_KEY_WITHOUT_ACCESS_TYPE", status=400):
    """A key or admin token without the access-type header."""

    message = "A project key was sent without saying what for. Add the header x-stack-access-type: client, server or admin."


class InvalidAccessType(InvalidProjectAuthentication, code="INVALID_ACCESS_TYPE", status=400):
    """The access-type header has another value than the three. Has no details on the wire."""

    message = "The header x-stack-access-type must be client, server or admin."


class AccessTypeWithoutProjectId(InvalidProjectAuthentication, code="ACCESS_TYPE_WITHOUT_PROJECT_ID", status=400):
    """Access type without project id."""

    request_type: str

    @property
    def message(self) -> str:
        """Names the header to add."""
        return f"The request asks for {self.request_type} access but not to which project. Add the header x-stack-project-id."


class AccessTypeRequired(InvalidProjectAuthentication, code="ACCESS_TYPE_REQUIRED", status=400):
    """The endpoint needs a project, and the request names none."""

    message = (
        "This endpoint works on a project. Send the headers x-stack-access-type (client, server or admin), x-stack-project-id "
        "and the key that goes with the access type."
    )


class InsufficientAccessType(InvalidProjectAuthentication, code="INSUFFICIENT_ACCESS_TYPE", status=401):
    """The access type of the request is too low for the endpoint."""

    actual_access_type: str
    allowed_access_types: Sequence[str]

    @property
    def message(self) -> str:
        """Names what was sent and what would do."""
        return f"This needs {' or '.join(self.allowed_access_types)} access; the request was made with {self.actual_access_type} access."


class InvalidPublishableClientKey(InvalidProjectAuthentication, code="INVALID_PUBLISHABLE_CLIENT_KEY", status=401):
    """The publishable client key is unknown, revoked, expired, or of another project."""

    project_id: str

    @property
    def message(self) -> str:
        """Names the project."""
        return f"The publishable client key is not a valid one of project {self.project_id}. It may have been revoked or have expired."


class InvalidSecretServerKey(InvalidProjectAuthentication, code="INVALID_SECRET_SERVER_KEY", status=401):
    """The secret server key is unknown, revoked, expired, or of another project."""

    project_id: str

    @property
    def message(self) -> str:
        """Names the project."""
        return f"The secret server key is not a valid one of project {self.project_id}. It may have been revoked or have expired."


class InvalidSuperSecretAdminKey(InvalidProjectAuthentication, code="INVALID_SUPER_SECRET_ADMIN_KEY", status=401):
    """The super secret admin key is unknown, revoked, expired, or of another project."""

    project_id: str

    @property
    def message(self) -> str:
        """Names the project."""
        return f"The super secret admin key is not a valid one of project {self.project_id}. It may have been revoked or have expired."


class InvalidAdminAccessToken(InvalidProjectAuthentication):
    """Group: something is wrong with the admin access token."""


class UnparsableAdminAccessToken(InvalidAdminAccessToken, code="UNPARSABLE_ADMIN_ACCESS_TOKEN", status=401):
    """The admin access token is not one of ours, or of an anonymous or restricted user."""

    message = "The admin access token is not valid. Sign in to the internal project again and send the new token."


class AdminAccessTokenExpired(InvalidAdminAccessToken, code="ADMIN_ACCESS_TOKEN_EXPIRED", status=401):
    """The admin access token is past its time."""

    expired_at_millis: int | None
    message = "The admin access token has expired. Refresh the session and send the new token."


class InvalidProjectForAdminAccessToken(InvalidAdminAccessToken, code="INVALID_PROJECT_FOR_ADMIN_ACCESS_TOKEN", status=401):
    """In the catalogue, but no endpoint answers with it."""

    message = "The admin access token belongs to another project than the internal one."


class AdminAccessTokenIsNotAdmin(InvalidAdminAccessToken, code="ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN", status=401):
    """The token is no internal user's, or its user is not in the team that owns the project."""

    message = "The user of the admin access token does not manage this project. Ask a member of the team that owns it for an invitation."


class ProjectAuthenticationRequired(ProjectAuthenticationError):
    """Group: credentials are missing."""


class ClientAuthenticationRequired(ProjectAuthenticationRequired, code="CLIENT_AUTHENTICATION_REQUIRED", status=401):
    """In the catalogue, but no endpoint answers with it."""

    message = "Client access is needed. Send the publishable client key in x-stack-publishable-client-key."


class PublishableClientKeyRequiredForProject(ProjectAuthenticationRequired, code="PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT", status=401):
    """Client access without a key to a project that wants one."""

    project_id: str | None
    message = "This project wants a publishable client key for client access. Send it in the header x-stack-publishable-client-key."


class ServerAuthenticationRequired(ProjectAuthenticationRequired, code="SERVER_AUTHENTICATION_REQUIRED", status=401):
    """Server access without its key."""

    message = "Server access needs the secret server key. Send it in the header x-stack-secret-server-key."


class AdminAuthenticationRequired(ProjectAuthenticationRequired, code="ADMIN_AUTHENTICATION_REQUIRED", status=401):
    """Admin access without its key."""

    message = "Admin access needs the super secret admin key. Send it in x-stack-super-secret-admin-key, or an admin access token."


class ClientOrServerAuthenticationRequired(ProjectAuthenticationRequired, code="CLIENT_OR_SERVER_AUTHENTICATION_REQUIRED", status=401):
    """In the catalogue, but no endpoint answers with it."""

    message = "Client or server access is needed. Send the key of one of the two."


class ClientOrAdminAuthenticationRequired(ProjectAuthenticationRequired, code="CLIENT_OR_ADMIN_AUTHENTICATION_REQUIRED", status=401):
    """In the catalogue, but no endpoint answers with it."""

    message = "Client or admin access is needed. Send the key of one of the two."


class ClientOrServerOrAdminAuthenticationRequired(
    ProjectAuthenticationRequired, code="CLIENT_OR_SERVER_OR_ADMIN_AUTHENTICATION_REQUIRED", status=401
):
    """In the catalogue, but no endpoint answers with it."""

    message = "Access to a project is needed. Send one of its keys."


class ExpectedInternalProject(ProjectAuthenticationError, code="EXPECTED_INTERNAL_PROJECT", status=401):
    """The endpoint works only on the project `internal`."""

    message = "This works only with credentials of the project `internal`."


class CurrentProjectNotFound(KnownError, code="CURRENT_PROJECT_NOT_FOUND", status=400):
    """The project in the header does not exist."""

    project_id: str

    @property
    def message(self) -> str:
        """Names the project and the header."""
        return f"There is no project {self.project_id} on this server. Check the header x-stack-project-id and the server's address."


class BranchDoesNotExist(KnownError, code="BRANCH_DOES_NOT_EXIST", status=400):
    """The branch in the header does not exist."""

    branch_id: str

    @property
    def message(self) -> str:
        """Names the branch."""
        return f"The project has no branch {self.branch_id}. Leave out the header x-stack-branch-id to use its main branch."


class ProjectNotFound(KnownError, code="PROJECT_NOT_FOUND", status=404):
    """A project named in path, query or body does not exist, or is not the caller's."""

    project_id: str

    @property
    def message(self) -> str:
        """Names the project."""
        return f"There is no project {self.project_id}, or it is not yours."
