"""Endpoints of users (contract 05 §2)."""

from __future__ import annotations

from msgspec import UNSET

from hexclave_server.contact_channels.claims import counted_claim, require_room, require_signed_in
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.endpoint import CLIENT, SERVER, ByAccess, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import (
    CannotGetOwnUserWithoutUser,
    TeamMembershipNotFound,
    UserEmailAlreadyExists,
    UserNotFound,
)
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS
from hexclave_server.users import list as user_list
from hexclave_server.users.create_by_server import create_user_by_server
from hexclave_server.users.delete import delete_user
from hexclave_server.users.read import find_user, get_user, user_on_wire
from hexclave_server.users.update import update_user
from hexclave_server.users.wire import (
    ClientUserRead,
    ClientUserUpdate,
    NoQuery,
    ServerUserList,
    ServerUserRead,
    ServerUserUpdate,
    Success,
    UserCreate,
    UserListQuery,
    UserPath,
)

_READ = ByAccess(client=ClientUserRead, server=ServerUserRead)
_UPDATE = ByAccess(client=ClientUserUpdate, server=ServerUserUpdate)
_UPDATE_ERRORS = (UserEmailAlreadyExists, TeamMembershipNotFound)


@endpoint("GET /users/me", access=CLIENT, limit=READ, tags=["Users"], returns=_READ, errors=[CannotGetOwnUserWithoutUser])
async def read_own_user(call: Call, query: NoQuery) -> Response:  # noqa: ARG001 - declared so that unknown parameters are refused
    """Get the user of the access token."""
    row = await find_user(call.db, call.tenancy, call.user_id) if call.user_id is not None else None
    if row is None:
        raise CannotGetOwnUserWithoutUser
    return json_response(user_on_wire(row, call.access, call.config))


@endpoint(
    "PATCH /users/me",
    access=CLIENT,
    limit=WRITE,
    throttle=GUESSES_BY_ADDRESS,
    tags=["Users"],
    body=_UPDATE,
    returns=_READ,
    errors=[CannotGetOwnUserWithoutUser, *_UPDATE_ERRORS],
)
async def update_own_user(call: Call, query: NoQuery, body: ClientUserUpdate | ServerUserUpdate) -> Response:  # noqa: ARG001
    """Change the user of the access token."""
    if call.user_id is None:
        raise CannotGetOwnUserWithoutUser
    if any(value is not UNSET for value in (body.primary_email, body.totp_secret_base64, body.passkey_auth_enabled)):
        await require_signed_in(call)
    if isinstance(body.primary_email, str):
        await require_room(call, call.user_id, body.primary_email)
    try:
        async with counted_claim(call, is_claim=isinstance(body.primary_email, str)):
            return json_response(await update_user(call.parts, call.project, call.user_id, call.access, body))
    except UserNotFound:
        raise CannotGetOwnUserWithoutUser from None


@endpoint("DELETE /users/me", access=CLIENT, limit=WRITE, tags=["Users"], errors=[CannotGetOwnUserWithoutUser])
async def delete_own_user(call: Call, query: NoQuery) -> Success:  # noqa: ARG001
    """Delete the user of the access token."""
    if call.access < Access.SERVER and call.config["users"]["allowClientUserDeletion"] is not True:
        raise PlainError(400, "This project does not allow users to delete themselves.")
    if call.user_id is None:
        raise CannotGetOwnUserWithoutUser
    try:
        return await _delete(call, call.user_id)
    except UserNotFound:
        raise CannotGetOwnUserWithoutUser from None


@endpoint("GET /users", access=SERVER, limit=READ, tags=["Users"], returns=ServerUserList)
async def list_users(call: Call, query: UserListQuery) -> Response:
    """List users, in pages where a limit is given."""
    found = await user_list.list_users(call.db, call.project, query)
    return found if isinstance(found, Response) else json_response(found)


@endpoint("POST /users", access=SERVER, limit=WRITE, tags=["Users"], status=201, errors=[UserEmailAlreadyExists])
async def create_user(call: Call, query: NoQuery, body: UserCreate) -> ServerUserRead:  # noqa: ARG001
    """Create a user."""
    return await create_user_by_server(call.parts, call.project, call.access, body)


@endpoint("GET /users/{user_id}", access=SERVER, limit=READ, tags=["Users"], returns=ServerUserRead, errors=[UserNotFound])
async def read_user(call: Call, path: UserPath, query: UserListQuery) -> Response:  # noqa: ARG001 - accepted and ignored (§2.6)
    """Get a user."""
    row = await get_user(call.db, call.tenancy, path.user_id)
    return json_response(user_on_wire(row, call.access, call.config))


@endpoint(
    "PATCH /users/{user_id}", access=SERVER, limit=WRITE, tags=["Users"], returns=ServerUserRead, errors=[UserNotFound, *_UPDATE_ERRORS]
)
async def update_any_user(call: Call, path: UserPath, query: NoQuery, body: ServerUserUpdate) -> Response:  # noqa: ARG001
    """Change a user."""
    return json_response(await update_user(call.parts, call.project, path.user_id, call.access, body))


@endpoint("DELETE /users/{user_id}", access=SERVER, limit=WRITE, tags=["Users"], errors=[UserNotFound])
async def delete_any_user(call: Call, path: UserPath, query: NoQuery) -> Success:  # noqa: ARG001
    """Delete a user; his teams stay."""
    return await _delete(call, path.user_id)


async def _delete(call: Call, user_id: str) -> Success:
    async def delete(conn: Connection) -> None:
        await delete_user(conn, call.tenancy, user_id)

    await call.db.write(delete)
    return Success(success=True)


ENDPOINTS = [
    read_own_user,
    update_own_user,
    delete_own_user,
    list_users,
    create_user,
    read_user,
    update_any_user,
    delete_any_user,
]
