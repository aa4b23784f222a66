"""The page's side of the login of a command line: look, take over the anonymous session, complete (contract 02 §7.3).

Possession of the login code and of a refresh token suffices; no access token is involved. The command line gets the very session that
completes the login, so that signing out of one ends both.
"""

from __future__ import annotations

from hexclave_server.cli_login import queries
from hexclave_server.cli_login.queries import ShownLogin
from hexclave_server.cli_login.service import count_wrong_secret, find_anonymous_session, seal, unseal
from hexclave_server.core import clock
from hexclave_server.core.context import Call
from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import RefreshTokenNotFoundOrExpired
from hexclave_server.sessions.service import find_session_of_token, issue_access_token, use_session
from hexclave_server.sessions.wire import Tokens
from hexclave_server.users.token_subject import find_token_subject


async def find_open_login(call: Call, login_code: str) -> ShownLogin | None:
    """The login of this code while it waits to be completed; None for an unknown, expired, completed or used one.

    Raises RateLimited when too many codes from this client address were unknown.
    """
    login = await call.db.first(ShownLogin, queries.FIND_SHOWN, tenancy_id=call.tenancy.id, login_code_hash=hash_secret(login_code))
    if login is None:
        await count_wrong_secret(call)
        return None
    return login if login.completed_at is None and login.expires_at > clock.now_millis() else None


async def get_open_login(call: Call, login_code: str) -> ShownLogin:
    """The login of this code. Raises PlainError 400 where `find_open_login` finds none, and RateLimited as it does."""
    login = await find_open_login(call, login_code)
    if login is None:
        raise _is_over()
    return login


async def has_anonymous_session(call: Call, login: ShownLogin) -> bool:
    """Whether a live session of a still anonymous user is attached to the login."""
    sealed = login.sealed_anonymous_refresh_token
    if sealed is None:
        return False
    refresh_token = unseal(call.parts.keyring, call.tenancy, login.id, sealed)
    return await find_anonymous_session(call.db, call.tenancy, refresh_token) is not None


async def claim_anonymous_session(call: Call, login: ShownLogin) -> Tokens:
    """Hands the command line's anonymous session over, once. Raises PlainError 400 when there is none (any more)."""
    tenancy, parts, end_user = call.tenancy, call.parts, call.end_user
    sealed = login.sealed_anonymous_refresh_token
    if sealed is None:
        raise _nothing_to_claim()
    refresh_token = unseal(parts.keyring, tenancy, login.id, sealed)
    session = await find_anonymous_session(call.db, tenancy, refresh_token)
    subject = None if session is None else await find_token_subject(call.db, tenancy, session.user_id)
    if session is None or subject is None:
        raise _nothing_to_claim()

    async def claim(conn: Connection) -> None:
        if await conn.execute(queries.CLAIM, tenancy_id=tenancy.id, login_id=login.id, now=clock.now_millis()) != 1:
            raise _nothing_to_claim()
        await use_session(conn, tenancy, session, end_user)

    try:
        await call.db.write(claim)
    except RefreshTokenNotFoundOrExpired:
        raise _nothing_to_claim() from None
    return Tokens(refresh_token=refresh_token, access_token=await issue_access_token(parts, call.project, subject, session.id))


async def complete_login(call: Call, login: ShownLogin, refresh_token: str) -> None:
    """Leaves the refresh token of a live session for the next poll, and lets go of the anonymous one.

    Raises PlainError 400 for another token, or when the login was completed or ended meanwhile; RateLimited when too many tokens were wrong.
    """
    tenancy = call.tenancy
    if await find_session_of_token(call.db, tenancy, refresh_token) is None:
        await count_wrong_secret(call)
        raise PlainError(400, "The refresh token is not that of a session of this project, or the session has ended.")
    sealed, now = seal(call.parts.keyring, tenancy, login.id, refresh_token), clock.now_millis()

    async def complete(conn: Connection) -> int:
        return await conn.execute(queries.COMPLETE, tenancy_id=tenancy.id, login_id=login.id, sealed_refresh_token=sealed, now=now)

    if await call.db.write(complete) != 1:
        raise _is_over()


def _is_over() -> PlainError:
    return PlainError(400, "The login code is not known, or the login was completed or has expired. Start the login again.")


def _nothing_to_claim() -> PlainError:
    return PlainError(400, "The login has no session of an anonymous user that could be taken over.")
