"""From credentials to a caller, once per request, in the order of contract 00 §2 (steps 3 to 8).

The order is part of the contract: a client learns about a bad user token before it learns about an unknown project, and about branches
only after its key was accepted, so that none of these can be probed without credentials.
"""

from __future__ import annotations

from hexclave_server.core.context import INTERNAL_PROJECT_ID, MAIN_BRANCH, Access, Caller, KeyKind, Parts, Project
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Request
from hexclave_server.core.known_errors import (
    AccessTokenExpired,
    AccessTypeWithoutProjectId,
    AdminAccessTokenExpired,
    AdminAccessTokenIsNotAdmin,
    AdminAuthenticationRequired,
    AnonymousAuthenticationNotAllowed,
    BranchDoesNotExist,
    CurrentProjectNotFound,
    InvalidAccessType,
    InvalidProjectForAccessToken,
    InvalidPublishableClientKey,
    InvalidSecretServerKey,
    InvalidSuperSecretAdminKey,
    ProjectKeyWithoutAccessType,
    PublishableClientKeyRequiredForProject,
    RestrictedUserNotAllowed,
    ServerAuthenticationRequired,
    UnparsableAccessToken,
    UnparsableAdminAccessToken,
)
from hexclave_server.core.tokens import AccessTokenClaims, TokenExpired, TokenUnparsable

PUBLIC_CALLER = Caller(Access.PUBLIC)
NO_KEY_SENTINEL = "__stack_public_client__"

_ACCESS = {"client": Access.CLIENT, "server": Access.SERVER, "admin": Access.ADMIN}
_CREDENTIALS = (b"publishable-client-key", b"secret-server-key", b"super-secret-admin-key", b"admin-access-token")


async def resolve_caller(request: Request, parts: Parts) -> Caller:
    """The caller behind the request's headers.

    Raises the known errors of contract 00 §2 steps 3 to 8, and PlainError 401 for the override key and deleted administrators.
    """
    headers = request.protocol
    access_type = headers.get(b"access-type")
    if access_type is None:
        if any(name in headers for name in _CREDENTIALS):
            raise ProjectKeyWithoutAccessType
        return PUBLIC_CALLER
    access = _ACCESS.get(access_type)
    if access is None:
        raise InvalidAccessType
    project_id = headers.get(b"project-id")
    if project_id is None:
        raise AccessTypeWithoutProjectId(request_type=access_type)
    token = headers.get(b"access-token")
    claims = await _user_claims(request, parts, token, project_id) if token is not None else None
    project = await parts.directory.find_project(project_id.lower())
    if project is None:
        raise CurrentProjectNotFound(project_id=project_id)
    await _require_credential(request, parts, access, project)
    branch_id = headers.get(b"branch-id", MAIN_BRANCH)
    if branch_id != MAIN_BRANCH:
        raise BranchDoesNotExist(branch_id=branch_id)
    return Caller(access, project, claims)


async def _user_claims(request: Request, parts: Parts, token: str, project_id: str) -> AccessTokenClaims:
    """The claims of the end user's access token, checked as contract 01 §1.3 says."""
    try:
        claims = await parts.token_verifier.verify(token)
    except TokenExpired as expired:
        raise AccessTokenExpired(
            expired_at_millis=expired.expired_at_millis,
            project_id=expired.project_id,
            user_id=expired.user_id,
            refresh_token_id=expired.session_id,
        ) from None
    except TokenUnparsable as defect:
        if defect.project_unknown and await parts.directory.find_project(project_id.lower()) is None:
            raise CurrentProjectNotFound(project_id=project_id) from None
        raise UnparsableAccessToken from None
    if claims.project_id != project_id.lower():
        raise InvalidProjectForAccessToken(expected_project_id=project_id, actual_project_id=claims.project_id)
    if claims.user_type != "normal":
        _require_allowed(request, claims)
    return claims


def _require_allowed(request: Request, claims: AccessTokenClaims) -> None:
    anonymous_allowed = request.protocol.get(b"allow-anonymous-user") == "true"
    if anonymous_allowed:
        return
    if claims.user_type == "anonymous":
        raise AnonymousAuthenticationNotAllowed
    if request.protocol.get(b"allow-restricted-user") != "true":
        raise RestrictedUserNotAllowed(restricted_reason={"type": claims.restricted_reason})


_InvalidKey = InvalidPublishableClientKey | InvalidSecretServerKey | InvalidSuperSecretAdminKey


async def _require_credential(request: Request, parts: Parts, access: Access, project: Project) -> None:
    headers = request.protocol
    if b"development-override-key" in headers:
        raise PlainError(401, "The development override key is not accepted by this server.")
    admin_token = headers.get(b"admin-access-token")
    if admin_token is not None:
        await _require_administrator(parts, admin_token, project)
    elif access is Access.CLIENT:
        await _require_client_key(headers, parts, project)
    elif access is Access.SERVER:
        key = headers.get(b"secret-server-key")
        if key is None:
            raise ServerAuthenticationRequired
        await _require_key(parts, project, KeyKind.SECRET_SERVER, key, InvalidSecretServerKey)
    else:
        key = headers.get(b"super-secret-admin-key")
        if key is None:
            raise AdminAuthenticationRequired
        await _require_key(parts, project, KeyKind.SUPER_SECRET_ADMIN, key, InvalidSuperSecretAdminKey)


async def _require_client_key(headers: dict[bytes, str], parts: Parts, project: Project) -> None:
    key = headers.get(b"publishable-client-key", NO_KEY_SENTINEL)
    if key != NO_KEY_SENTINEL:
        await _require_key(parts, project, KeyKind.PUBLISHABLE_CLIENT, key, InvalidPublishableClientKey)
    elif project.requires_publishable_client_key or headers.get(b"branch-id", MAIN_BRANCH) != MAIN_BRANCH:
        raise PublishableClientKeyRequiredForProject(project_id=project.id)


async def _require_key(parts: Parts, project: Project, kind: KeyKind, key: str, error: type[_InvalidKey]) -> None:
    if not await parts.directory.key_is_valid(project, kind, key):
        raise error(project_id=project.id)


async def _require_administrator(parts: Parts, token: str, project: Project) -> None:
    """Checks an admin access token: of a normal user of `internal` who is a member of the project's owner team."""
    try:
        claims = await parts.token_verifier.verify(token)
    except TokenExpired as expired:
        raise AdminAccessTokenExpired(expired_at_millis=expired.expired_at_millis) from None
    except TokenUnparsable:
        raise UnparsableAdminAccessToken from None
    if claims.project_id != INTERNAL_PROJECT_ID:
        raise AdminAccessTokenIsNotAdmin
    if claims.user_type != "normal":
        raise UnparsableAdminAccessToken
    internal = await parts.directory.find_project(INTERNAL_PROJECT_ID)
    if internal is None or not await parts.directory.user_exists(internal.tenancy, claims.user_id):
        raise PlainError(401, "The user of the admin access token does not exist any more.")
    if not await parts.directory.manages(claims.user_id, project):
        raise AdminAccessTokenIsNotAdmin
