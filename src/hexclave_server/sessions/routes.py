"""The endpoints of sessions and key sets (contract 01)."""

from __future__ import annotations

from msgspec import UNSET, Raw

from hexclave_server.core import clock
from hexclave_server.core.context import Access, Call
from hexclave_server.core.endpoint import CLIENT, PUBLIC, SERVER, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import (
    AccessTokenExpired,
    CannotDeleteCurrentSession,
    CannotGetOwnUserWithoutUser,
    RefreshTokenNotFoundOrExpired,
    SchemaError,
    UserIdDoesNotExist,
)
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.core.tokens import UserType
from hexclave_server.sessions import service
from hexclave_server.sessions.key_schedule import KEY_SET_LIFETIME
from hexclave_server.sessions.queries import SessionRow
from hexclave_server.sessions.wire import (
    AccessToken,
    KeySet,
    KeySetPath,
    KeySetQuery,
    SessionCreate,
    SessionList,
    SessionPath,
    SessionQuery,
    SessionRead,
    SessionsQuery,
    Success,
    Tokens,
    WellKnownPath,
)

_PUBLIC_FOR_AN_HOUR = (b"cache-control", b"public, max-age=%d" % (KEY_SET_LIFETIME // 1000))


@endpoint("GET /projects/{project_id}/.well-known/jwks.json", access=PUBLIC, limit=READ, tags=["Sessions"], returns=KeySet)
async def read_key_set(call: Call, path: KeySetPath, query: KeySetQuery) -> Response:
    """The public keys that verify access tokens of a project"""
    user_types: list[UserType] = ["normal"]
    if "true" in (query.include_restricted, query.include_anonymous):
        user_types.append("restricted")
    if query.include_anonymous == "true":
        user_types.append("anonymous")
    keys = await call.parts.signing_keys.key_set(path.project_id, user_types)
    if keys is None:
        raise PlainError(404, "There is no such project.")
    return json_response(KeySet(keys=keys), headers=[_PUBLIC_FOR_AN_HOUR])


@endpoint("GET /projects-anonymous-users/{project_id}/.well-known/{path}", access=PUBLIC, limit=READ, tags=["Sessions"])
async def redirect_to_key_set(call: Call, path: WellKnownPath) -> Response:
    """Where the issuer of anonymous users' tokens has its documents"""
    del path  # declared for its documentation; the redirect keeps the client's own spelling
    location = call.request.raw_path.replace(b"/projects-anonymous-users/", b"/projects/", 1)
    before = call.request.query_string + b"&" if call.request.query_string else b""
    return Response(307, b"", [(b"location", location + b"?" + before + b"include_anonymous=true")])


@endpoint(
    "POST /auth/sessions/current/refresh",
    access=CLIENT,
    limit=service.REFRESH,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Sessions"],
    errors=[RefreshTokenNotFoundOrExpired],
)
async def refresh_session(call: Call) -> AccessToken:
    """A fresh access token for the refresh token in the header"""
    refresh_token = call.request.protocol.get(b"refresh-token")
    if refresh_token is None:
        raise SchemaError(text="headers.x-stack-refresh-token is required")
    access_token = await service.refresh_access_token(call.parts, call.project, refresh_token, call.request.address, call.end_user)
    return AccessToken(access_token=access_token)


@endpoint(
    "DELETE /auth/sessions/current",
    access=CLIENT,
    limit=WRITE,
    tags=["Sessions"],
    errors=[AccessTokenExpired, RefreshTokenNotFoundOrExpired],
)
async def sign_out(call: Call) -> Success:
    """Ends the session of the access token"""
    session_id = call.session_id
    if session_id is None:
        raise AccessTokenExpired(expired_at_millis=clock.now_millis(), project_id=None, user_id=None, refresh_token_id=None)
    tenancy = call.tenancy
    if not await call.db.write(lambda conn: service.end_session(conn, tenancy, session_id)):
        raise RefreshTokenNotFoundOrExpired
    return Success()


@endpoint("GET /auth/sessions", access=CLIENT, limit=READ, tags=["Sessions"], errors=[CannotGetOwnUserWithoutUser])
async def list_sessions(call: Call, query: SessionsQuery) -> SessionList:
    """All sessions of a user, the newest first; impersonation ones for administrators only"""
    if call.access is Access.CLIENT:
        own_id = await call.live_user_id()
        if own_id is None:
            raise CannotGetOwnUserWithoutUser
        if own_id != query.user_id:
            raise PlainError(403, "Clients may only list the sessions of their own user.")
    rows = await service.list_sessions(call.db, call.tenancy, query.user_id, with_impersonation=call.access is Access.ADMIN)
    return SessionList(items=[_session_read(row, call.session_id) for row in rows])


def _session_read(row: SessionRow, current_id: str | None) -> SessionRead:
    return SessionRead(
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        is_impersonation=row.is_impersonation,
        is_current_session=row.id == current_id,
        last_used_at_end_user_ip_info=UNSET if row.last_used_end_user is None else Raw(row.last_used_end_user.encode()),
    )


@endpoint("DELETE /auth/sessions/{id}", access=CLIENT, limit=WRITE, tags=["Sessions"], errors=[CannotDeleteCurrentSession])
async def revoke_session(call: Call, path: SessionPath, query: SessionQuery) -> Success:
    """Ends a session, but not the one of the access token"""
    del query  # its value means nothing (contract 01 §6)
    tenancy = call.tenancy
    owner_id = await service.find_user_of_session(call.db, tenancy, path.id)
    if owner_id is None or (call.access is Access.CLIENT and owner_id != call.user_id):
        raise _no_session()
    if path.id == call.session_id:
        raise CannotDeleteCurrentSession
    if not await call.db.write(lambda conn: service.end_session(conn, tenancy, path.id)):
        raise _no_session()
    return Success()


def _no_session() -> PlainError:
    return PlainError(404, "There is no such session.")


@endpoint("POST /auth/sessions", access=SERVER, limit=WRITE, tags=["Sessions"], errors=[UserIdDoesNotExist])
async def create_session(call: Call, body: SessionCreate) -> Tokens:
    """A new session of any user, also to act in his name"""
    tokens = await service.start_session(
        call.parts,
        call.project,
        body.user_id,
        call.end_user,
        lifetime_millis=int(body.expires_in_millis),
        is_impersonation=body.is_impersonation,
    )
    if tokens is None:
        raise UserIdDoesNotExist(user_id=body.user_id)
    return tokens


ENDPOINTS = [
    read_key_set,
    redirect_to_key_set,
    refresh_session,
    sign_out,
    list_sessions,
    create_session,
    revoke_session,
]
