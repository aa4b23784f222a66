"""The endpoints of projects and their key sets (contract 04 §2 to §6)."""

from __future__ import annotations

from hexclave_server.core.context import INTERNAL_PROJECT_ID, Call, KeyKind
from hexclave_server.core.db import Connection
from hexclave_server.core.endpoint import ADMIN, CLIENT, PROJECT_BODY_LIMIT, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import (
    ApiKeyNotFound,
    CurrentProjectNotFound,
    ExpectedInternalProject,
    RestrictedUserNotAllowed,
    TeamMembershipNotFound,
    UserAuthenticationRequired,
)
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.schema import NoQuery, Success
from hexclave_server.projects import key_sets, service, views
from hexclave_server.projects.queries import KeySetRow
from hexclave_server.projects.service import ProjectRow
from hexclave_server.projects.wire import (
    AdminProjectList,
    AdminProjectRead,
    CurrentProjectRead,
    KeySetCreate,
    KeySetList,
    KeySetPath,
    KeySetRead,
    KeySetUpdate,
    NewKeySetRead,
    ProjectCreate,
    ProjectUpdate,
)
from hexclave_server.teams import service as teams

_PROJECTS, _KEYS = ["Projects"], ["Project keys"]


@endpoint("GET /projects/current", access=CLIENT, limit=READ, tags=_PROJECTS)
async def read_current_project(call: Call, query: NoQuery) -> CurrentProjectRead:  # noqa: ARG001 - refuses parameters
    """The project of the request"""
    return views.current_project(call.project, with_localhost=call.request.speaks_hexclave)


@endpoint("GET /internal/projects/current", access=ADMIN, limit=READ, tags=_PROJECTS)
async def read_managed_project(call: Call, query: NoQuery) -> AdminProjectRead:  # noqa: ARG001
    """The project of the request, with everything that administrators may know"""
    return await _admin_project(call, await service.find_project_row(call.db, call.project.id))


@endpoint("PATCH /internal/projects/current", access=ADMIN, limit=WRITE, tags=_PROJECTS, body_limit=PROJECT_BODY_LIMIT)
async def update_managed_project(call: Call, query: NoQuery, body: ProjectUpdate) -> AdminProjectRead:  # noqa: ARG001
    """Changes the project of the request"""
    overrides = views.config_overrides(body.config)
    theme_id = overrides.get("emails.selectedThemeId")
    if theme_id is not None and theme_id not in call.config["emails"]["themes"]:
        raise PlainError(400, "There is no email theme with this id.")
    fields = views.project_fields(body)

    async def work(conn: Connection) -> ProjectRow | None:
        return await service.update_project(conn, call.parts.keyring, call.tenancy, fields, overrides)

    return await _admin_project(call, await call.db.write(work))


@endpoint("DELETE /internal/projects/current", access=ADMIN, limit=WRITE, tags=_PROJECTS)
async def delete_managed_project(call: Call, query: NoQuery) -> Success:  # noqa: ARG001
    """Deletes the project of the request and everything in it"""
    await service.delete_project(call.db, call.project.id)
    return Success()


@endpoint(
    "GET /internal/projects",
    access=CLIENT,
    limit=READ,
    tags=_PROJECTS,
    errors=[UserAuthenticationRequired, ExpectedInternalProject, RestrictedUserNotAllowed],
)
async def list_managed_projects(call: Call, query: NoQuery) -> AdminProjectList:  # noqa: ARG001
    """The projects that the signed-in user of the internal project manages"""
    user_id = await _require_internal_user(call)
    team_ids = await teams.list_team_ids(call.db, call.tenancy, user_id)
    rows = await service.list_projects_of_teams(call.db, team_ids)
    projects = [(row, await call.parts.directory.find_project(row.id)) for row in rows]
    with_additions = call.request.speaks_hexclave
    return AdminProjectList(
        items=[views.admin_project(row, found.config, with_additions=with_additions) for row, found in projects if found is not None]
    )


@endpoint(
    "POST /internal/projects",
    access=CLIENT,
    limit=WRITE,
    tags=_PROJECTS,
    status=201,
    body_limit=PROJECT_BODY_LIMIT,
    errors=[UserAuthenticationRequired, ExpectedInternalProject, RestrictedUserNotAllowed, TeamMembershipNotFound],
)
async def create_project(call: Call, query: NoQuery, body: ProjectCreate) -> AdminProjectRead:  # noqa: ARG001
    """Creates a project that a team of the signed-in user of the internal project owns"""
    user_id = await _require_internal_user(call)
    overrides = views.config_overrides(body.config)
    if not await teams.is_member(call.db, call.tenancy, body.owner_team_id, user_id):
        raise TeamMembershipNotFound(team_id=body.owner_team_id, user_id=user_id)
    fields = views.project_fields(body)
    name = fields.pop("display_name")

    async def work(conn: Connection) -> ProjectRow | None:
        keyring = call.parts.keyring
        created = await service.create_project(
            conn, keyring, display_name=name, owner_team_id=body.owner_team_id, overrides=overrides, fields=fields
        )
        return created[0] if created is not None else None

    return await _admin_project(call, await call.db.write(work))


@endpoint("GET /internal/api-keys", access=ADMIN, limit=READ, tags=_KEYS)
async def list_key_sets(call: Call, query: NoQuery) -> KeySetList:  # noqa: ARG001
    """All key sets of the project, newest first"""
    return KeySetList(items=[views.key_set(row) for row in await key_sets.list_key_sets(call.db, call.tenancy)])


@endpoint("POST /internal/api-keys", access=ADMIN, limit=WRITE, tags=_KEYS)
async def create_key_set(call: Call, query: NoQuery, body: KeySetCreate) -> NewKeySetRead:  # noqa: ARG001
    """Makes a key set; the only answer that shows its keys"""
    wanted = {kind for kind in KeyKind if getattr(body, f"has_{kind.value}")}

    async def work(conn: Connection) -> key_sets.NewKeySet:
        return await key_sets.create_key_set(conn, call.tenancy, body.description, body.expires_at_millis, wanted)

    return views.new_key_set(await call.db.write(work))


@endpoint("GET /internal/api-keys/{api_key_id}", access=ADMIN, limit=READ, tags=_KEYS, errors=[ApiKeyNotFound])
async def read_key_set(call: Call, path: KeySetPath, query: NoQuery) -> KeySetRead:  # noqa: ARG001
    """One key set"""
    return views.key_set(await key_sets.get_key_set(call.db, call.tenancy, path.api_key_id))


@endpoint("PATCH /internal/api-keys/{api_key_id}", access=ADMIN, limit=WRITE, tags=_KEYS, errors=[ApiKeyNotFound])
async def update_key_set(call: Call, path: KeySetPath, query: NoQuery, body: KeySetUpdate) -> KeySetRead:  # noqa: ARG001
    """Describes a key set anew or revokes it, for ever and at once"""

    async def work(conn: Connection) -> KeySetRow:
        if isinstance(body.description, str):
            await key_sets.describe_key_set(conn, call.tenancy, path.api_key_id, body.description)
        if body.revoked is True:
            await key_sets.revoke_key_set(conn, call.tenancy, path.api_key_id)
        return await key_sets.get_key_set(conn, call.tenancy, path.api_key_id)

    return views.key_set(await call.db.write(work))


async def _require_internal_user(call: Call) -> str:
    """The signed-in user of the project `internal`. Raises UserAuthenticationRequired, then ExpectedInternalProject.

    A restricted or anonymous one manages nothing, whatever headers he sends: his admin access token is refused everywhere else, too.
    """
    user_id = await call.live_user_id()
    if user_id is None:
        raise UserAuthenticationRequired
    if call.project.id != INTERNAL_PROJECT_ID:
        raise ExpectedInternalProject
    if call.claims is not None and call.claims.restricted_reason is not None:
        raise RestrictedUserNotAllowed(restricted_reason={"type": call.claims.restricted_reason})
    return user_id


async def _admin_project(call: Call, row: ProjectRow | None) -> AdminProjectRead:
    """The admin's view of a row, with the configuration as it is now. Raises CurrentProjectNotFound when it was deleted meanwhile."""
    project = await call.parts.directory.find_project(row.id) if row is not None else None
    if row is None or project is None:
        raise CurrentProjectNotFound(project_id=call.project.id)
    return views.admin_project(row, project.config, with_additions=call.request.speaks_hexclave)


ENDPOINTS = [
    read_current_project,
    read_managed_project,
    update_managed_project,
    delete_managed_project,
    list_managed_projects,
    create_project,
    list_key_sets,
    create_key_set,
    read_key_set,
    update_key_set,
]
