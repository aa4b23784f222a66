"""The same work without our code: a bare Starlette application for `granian`, as an experienced developer would write it by hand.

It checks the four headers, verifies an ES256 token once and keeps the result, reads one row through the same drivers, encodes the same
JSON with msgspec, hashes with the same argon2id, signs with the same curve. It validates nothing, limits nothing, and knows one project.
The environment says which database, project and key it serves (see `_given`).
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import apsw
import argon2
import asyncpg
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import jwt_es256


def _given(name: str) -> str:
    return os.environ[f"BASELINE_{name}"]


PROJECT_ID, TENANCY_ID = _given("PROJECT_ID"), _given("TENANCY_ID")
SECRET_KEY_HASH = hashlib.sha256(_given("SECRET_SERVER_KEY").encode()).hexdigest()
PASSWORD_HASH = _given("PASSWORD_HASH")
USER = (
    "select u.id, u.display_name, c.value, c.is_verified, u.profile_image_url, u.signed_up_at, u.last_active_at, u.client_metadata,"
    " u.client_read_only_metadata, u.server_metadata, u.is_anonymous, u.password_hash is not null, u.otp_auth_enabled, u.requires_totp_mfa"
    " from users u left join contact_channels c on c.tenancy_id = u.tenancy_id and c.user_id = u.id and c.type = 'email' and c.is_primary"
    " where u.tenancy_id = {0} and u.id = {1}"
)
USERS = USER.replace("u.id = {1}", "u.is_anonymous = false order by u.signed_up_at, u.id limit {1}")
SESSION = "select id, user_id, expires_at from sessions where tenancy_id = {0} and refresh_token_hash = {1}"
TOUCH_SESSION = "update sessions set last_used_at = {0} where tenancy_id = {1} and id = {2}"
TOUCH_USER = "update users set last_active_at = {0} where tenancy_id = {1} and id = {2}"


class SignUpRiskScores(msgspec.Struct, frozen=True):
    """As on the wire."""

    bot: int = 0
    free_trial_abuse: int = 0


class RiskScores(msgspec.Struct, frozen=True):
    """As on the wire."""

    sign_up: SignUpRiskScores = SignUpRiskScores()


class User(msgspec.Struct):
    """The wire form of a user, as many fields as the server's."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool
    profile_image_url: str | None
    signed_up_at_millis: int
    last_active_at_millis: int
    client_metadata: msgspec.Raw
    client_read_only_metadata: msgspec.Raw
    server_metadata: msgspec.Raw
    is_anonymous: bool
    has_password: bool
    otp_auth_enabled: bool
    requires_totp_mfa: bool
    primary_email_auth_enabled: bool = True
    auth_with_email: bool = True
    passkey_auth_enabled: bool = False
    oauth_providers: tuple[str, ...] = ()
    selected_team: None = None
    selected_team_id: None = None
    is_restricted: bool = False
    restricted_reason: None = None
    restricted_by_admin: bool = False
    restricted_by_admin_reason: None = None
    restricted_by_admin_private_details: None = None
    country_code: None = None
    risk_scores: RiskScores = RiskScores()


NULL = msgspec.Raw(b"null")
encode = msgspec.json.Encoder().encode


def _raw(text: str | None) -> msgspec.Raw:
    return NULL if text is None else msgspec.Raw(text.encode())


def _user(row: Any) -> User:
    return User(*row[:3], bool(row[3]), *row[4:7], _raw(row[7]), _raw(row[8]), _raw(row[9]), *map(bool, row[10:14]))


def _statements(*marks: str) -> list[str]:
    return [text.format(*marks) for text in (USER, USERS, SESSION, TOUCH_SESSION, TOUCH_USER)]


class Sqlite:
    """apsw, point reads on the event loop, synchronous=FULL."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def start(self) -> None:
        """Open the database."""
        self._db = apsw.Connection(self._path)
        self._db.execute("pragma synchronous=full; pragma foreign_keys=on; pragma busy_timeout=5000")
        self._user, self._users, self._session, self._touch_session, self._touch_user = _statements("?", "?", "?")

    async def user(self, user_id: str) -> Any:
        """One user's row."""
        return self._db.execute(self._user, (TENANCY_ID, user_id)).fetchone()

    async def users(self, limit: int) -> list[Any]:
        """The first users, oldest first."""
        return list(self._db.execute(self._users, (TENANCY_ID, limit)))

    async def session(self, token_hash: str) -> Any:
        """The session of a refresh token."""
        return self._db.execute(self._session, (TENANCY_ID, token_hash)).fetchone()

    async def touch(self, session_id: str, user_id: str, now: int) -> None:
        """Note the use of a session and its user's activity."""
        self._db.execute("begin immediate")
        self._db.execute(self._touch_session, (now, TENANCY_ID, session_id))
        self._db.execute(self._touch_user, (now, TENANCY_ID, user_id))
        self._db.execute("commit")


class Postgres:
    """asyncpg's pool."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def start(self) -> None:
        """Open the database."""
        self._pool = await asyncpg.create_pool(self._url, min_size=4, max_size=10, init=_text_codecs, reset=_keep)
        self._user, self._users, self._session, self._touch_session, self._touch_user = _statements("$1", "$2", "$3")

    async def user(self, user_id: str) -> Any:
        """One user's row."""
        async with self._pool.acquire() as connection:
            return tuple(await connection.fetchrow(self._user, TENANCY_ID, user_id))

    async def users(self, limit: int) -> list[Any]:
        """The first users, oldest first."""
        async with self._pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(self._users, TENANCY_ID, limit)]

    async def session(self, token_hash: str) -> Any:
        """The session of a refresh token."""
        async with self._pool.acquire() as connection:
            return await connection.fetchrow(self._session, TENANCY_ID, token_hash)

    async def touch(self, session_id: str, user_id: str, now: int) -> None:
        """Note the use of a session and its user's activity."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(self._touch_session, now, TENANCY_ID, session_id)
            await connection.execute(self._touch_user, now, TENANCY_ID, user_id)


async def _keep(_: asyncpg.Connection) -> None:
    """Nothing needs a reset between requests; the pool's own costs a round trip each time."""


async def _text_codecs(connection: asyncpg.Connection) -> None:
    for kind in ("uuid", "json"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=str)


DATABASE_URL = _given("DATABASE_URL")
db = Postgres(DATABASE_URL) if DATABASE_URL.startswith("postgresql") else Sqlite(DATABASE_URL)
keys = jwt_es256.Keys()
hasher = argon2.PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
pool = ThreadPoolExecutor(os.cpu_count())


def _check_headers(request: Request) -> bool:
    headers = request.headers
    if headers.get("x-stack-project-id") != PROJECT_ID:
        return False
    if headers.get("x-stack-access-type") == "client":
        return True
    return hashlib.sha256(headers.get("x-stack-secret-server-key", "").encode()).hexdigest() == SECRET_KEY_HASH


def _json(value: Any) -> Response:
    return Response(encode(value), media_type="application/json")


REFUSED = Response("no", 401)
CLAIMS = {
    "iss": "https://auth.example.com/api/v1/projects/" + PROJECT_ID,
    "branch_id": "main",
    "role": "authenticated",
    "is_anonymous": False,
}


async def me(request: Request) -> Response:
    """GET /users/me: by access token."""
    if not _check_headers(request):
        return REFUSED
    claims = keys.verify(request.headers["x-stack-access-token"])
    return _json(_user(await db.user(claims["sub"])))


async def user(request: Request) -> Response:
    """GET /users/{id}: by server key."""
    return _json(_user(await db.user(request.path_params["id"]))) if _check_headers(request) else REFUSED


async def users(request: Request) -> Response:
    """GET /users?limit=100: by server key."""
    if not _check_headers(request):
        return REFUSED
    rows = await db.users(int(request.query_params["limit"]))
    return _json({"items": [_user(row) for row in rows], "is_paginated": True})


async def refresh(request: Request) -> Response:
    """POST /auth/sessions/current/refresh: by refresh token."""
    if not _check_headers(request):
        return REFUSED
    now = int(time.time())
    session = await db.session(hashlib.sha256(request.headers["x-stack-refresh-token"].encode()).hexdigest())
    user = _user(await db.user(session[1]))
    claims = {"sub": user.id, "name": user.display_name, "email": user.primary_email, "email_verified": user.primary_email_verified}
    token = keys.sign({**claims, **CLAIMS, "iat": now, "exp": now + 600, "aud": PROJECT_ID, "refresh_token_id": session[0]})
    await db.touch(session[0], session[1], now * 1000)
    return _json({"access_token": token})


async def sign_in(request: Request) -> Response:
    """POST /auth/password/sign-in: argon2id and nothing else."""
    body = msgspec.json.decode(await request.body())
    await asyncio.get_running_loop().run_in_executor(pool, hasher.verify, PASSWORD_HASH, body["password"])
    return _json({"access_token": "x", "refresh_token": "y", "user_id": "z"})


async def health(_: Request) -> Response:
    """GET /health."""
    return Response("ok")


@asynccontextmanager
async def _live(_: Starlette) -> AsyncIterator[None]:
    await db.start()
    yield


app = Starlette(
    lifespan=_live,
    routes=[
        Route("/health", health),
        Route("/api/v1/users/me", me),
        Route("/api/v1/users/{id}", user),
        Route("/api/v1/users", users),
        Route("/api/v1/auth/sessions/current/refresh", refresh, methods=["POST"]),
        Route("/api/v1/auth/password/sign-in", sign_in, methods=["POST"]),
    ],
)
