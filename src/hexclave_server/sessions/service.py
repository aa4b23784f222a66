"""Sessions: started, used and ended (contract 01 §2 to §7).

A refresh token is good as long as its row is there and has not expired; nothing rotates it. Whatever ends a session deletes the row, and
using one is a conditional write on that row, so that a refresh that loses against a sign-out changes nothing and gets no token.
Writes touch the user before his sessions, everywhere: the order that keeps concurrent transactions from waiting for each other in a circle.
"""

from __future__ import annotations

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.client_address import EndUser
from hexclave_server.core.context import Call, Parts, Project, Tenancy
from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import RefreshTokenNotFoundOrExpired
from hexclave_server.core.limits import LimitClass
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.core.tokens import TokenUser
from hexclave_server.oauth.codes import void_codes_of
from hexclave_server.sessions import queries
from hexclave_server.sessions.queries import SessionRow
from hexclave_server.sessions.wire import DEFAULT_LIFETIME_MILLIS, Tokens
from hexclave_server.users.token_subject import TokenSubject, find_token_subject, mark_active
from hexclave_server.verification_codes.service import CodeKind, void_codes

REFRESH = LimitClass("refresh", per_address=1200, per_user=600, per_project=30_000)
"""Traffic of refreshing: cheap, and all users of a back end or an office come from one address, each about once a minute."""


KEPT_AFTER_EXPIRY_MILLIS = 30 * 24 * 60 * 60 * 1000
"""For so long a user sees an expired session in his list (contract 01 §5)."""


class SessionOfToken(msgspec.Struct, frozen=True):
    """The session behind a refresh token."""

    id: str
    user_id: str


class NewSession(msgspec.Struct, frozen=True):
    """A session just created: its id, and the only copy of its refresh token."""

    id: str
    refresh_token: str


async def create_session(
    conn: Connection,
    tenancy: Tenancy,
    user_id: str,
    end_user: EndUser | None,
    *,
    lifetime_millis: int = DEFAULT_LIFETIME_MILLIS,
    is_impersonation: bool = False,
) -> NewSession | None:
    """A new session of the user, who counts as active now; None when there is no such user. Part of the caller's transaction."""
    now = clock.now_millis()
    if not await mark_active(conn, tenancy, user_id, now):
        return None
    return await add_session(conn, tenancy, user_id, end_user, now=now, lifetime_millis=lifetime_millis, is_impersonation=is_impersonation)


async def add_session(
    conn: Connection,
    tenancy: Tenancy,
    user_id: str,
    end_user: EndUser | None,
    *,
    now: int,
    lifetime_millis: int = DEFAULT_LIFETIME_MILLIS,
    is_impersonation: bool = False,
) -> NewSession:
    """A new session of a user whom this transaction has marked as active."""
    session = NewSession(randomness.new_uuid(), randomness.new_token())
    await conn.execute(
        queries.CREATE,
        tenancy_id=tenancy.id,
        session_id=session.id,
        user_id=user_id,
        refresh_token_hash=hash_secret(session.refresh_token),
        now=now,
        expires_at=now + lifetime_millis,
        is_impersonation=is_impersonation,
        end_user=_as_text(end_user),
    )
    return session


async def start_session(
    parts: Parts,
    project: Project,
    user_id: str,
    end_user: EndUser | None,
    *,
    lifetime_millis: int = DEFAULT_LIFETIME_MILLIS,
    is_impersonation: bool = False,
) -> Tokens | None:
    """A new session in a transaction of its own, with its first access token; None when there is no such user."""
    tenancy = project.tenancy
    subject = await find_token_subject(parts.db, tenancy, user_id)
    if subject is None:
        return None
    session = await parts.db.write(
        lambda conn: create_session(conn, tenancy, user_id, end_user, lifetime_millis=lifetime_millis, is_impersonation=is_impersonation)
    )
    return None if session is None else await first_tokens(parts, project, subject, session)


async def first_tokens(parts: Parts, project: Project, subject: TokenSubject, session: NewSession) -> Tokens:
    """Both tokens of a session that was just created and committed."""
    return Tokens(refresh_token=session.refresh_token, access_token=await issue_access_token(parts, project, subject, session.id))


async def issue_access_token(parts: Parts, project: Project, subject: TokenSubject, session_id: str) -> str:
    """An access token of this session that states the user as he is now (contract 01 §1). Not inside a transaction."""
    restriction = subject.restriction(project.config)
    user = TokenUser(
        id=subject.id,
        display_name=subject.display_name,
        primary_email=subject.primary_email,
        primary_email_verified=subject.primary_email_verified is True,
        selected_team_id=subject.selected_team_id,
        signed_up_at=subject.signed_up_at,
        is_anonymous=subject.is_anonymous,
        restricted_reason=None if restriction is None else restriction.value,
        requires_totp_mfa=subject.requires_totp_mfa,
    )
    return await parts.token_issuer.issue(project.tenancy, user, session_id)


async def refresh_access_token(parts: Parts, project: Project, refresh_token: str, address: str, end_user: EndUser | None) -> str:
    """A fresh access token for a refresh token, which stays as it is (contract 01 §3).

    Raises RefreshTokenNotFoundOrExpired for an unknown, expired or ended session, also of another project, and for a deleted user;
    RateLimited in its place when too many tokens from this client address were wrong.
    """
    try:
        subject, session_id = await _use_session(parts, project.tenancy, refresh_token, end_user)
    except RefreshTokenNotFoundOrExpired:
        await parts.throttles.count_failure(parts.db, project.tenancy.id, WRONG_TOKENS_BY_ADDRESS.of(address))
        raise
    return await issue_access_token(parts, project, subject, session_id)


async def _use_session(parts: Parts, tenancy: Tenancy, refresh_token: str, end_user: EndUser | None) -> tuple[TokenSubject, str]:
    """User and id of a live session, after noting its use in one write whose conditions decide races with whatever ends it."""
    session = await find_session_of_token(parts.db, tenancy, refresh_token)
    if session is None:
        raise RefreshTokenNotFoundOrExpired
    subject = await find_token_subject(parts.db, tenancy, session.user_id)
    if subject is None:
        raise RefreshTokenNotFoundOrExpired

    await parts.db.write(lambda conn: use_session(conn, tenancy, session, end_user))
    return subject, session.id


async def find_session_of_token(conn: Connection, tenancy: Tenancy, refresh_token: str) -> SessionOfToken | None:
    """The live session behind a refresh token; None for an unknown, expired or ended one, also for one of another project."""
    return await conn.first(
        SessionOfToken,
        queries.FIND_LIVE,
        tenancy_id=tenancy.id,
        refresh_token_hash=hash_secret(refresh_token),
        now=clock.now_millis(),
    )


async def use_session(conn: Connection, tenancy: Tenancy, session: SessionOfToken, end_user: EndUser | None) -> None:
    """Notes that an access token is issued from a session now. Part of the caller's transaction.

    Raises RefreshTokenNotFoundOrExpired when the session has ended or expired, or its user is gone.
    """
    now = clock.now_millis()
    alive = await mark_active(conn, tenancy, session.user_id, now)
    used = await conn.execute(queries.USE, tenancy_id=tenancy.id, session_id=session.id, now=now, end_user=_as_text(end_user))
    if not alive or used != 1:
        raise RefreshTokenNotFoundOrExpired


async def hand_on_session(conn: Connection, tenancy: Tenancy, session: SessionOfToken, end_user: EndUser | None) -> bool:
    """Notes that another domain takes up the session, which begins its year anew; one of impersonation keeps its end (contract 03 §5.4).

    False when it has ended meanwhile. Part of a transaction that holds the row of the user.
    """
    now = clock.now_millis()
    await mark_active(conn, tenancy, session.user_id, now)
    handed_on = await conn.execute(
        queries.HAND_ON,
        tenancy_id=tenancy.id,
        session_id=session.id,
        now=now,
        expires_at=now + DEFAULT_LIFETIME_MILLIS,
        end_user=_as_text(end_user),
    )
    return handed_on == 1


async def list_sessions(conn: Connection, tenancy: Tenancy, user_id: str, *, with_impersonation: bool) -> list[SessionRow]:
    """The sessions of a user, the newest first; those of impersonation only if asked for. Empty for an unknown user."""
    rows = await conn.all(SessionRow, queries.LIST_OF_USER, tenancy_id=tenancy.id, user_id=user_id)
    return [row for row in rows if with_impersonation or not row.is_impersonation]


async def find_user_of_session(conn: Connection, tenancy: Tenancy, session_id: str) -> str | None:
    """Whose session this is; None when there is none with this id in the tenancy."""
    user_id: str | None = await conn.value(queries.FIND_USER, tenancy_id=tenancy.id, session_id=session_id)
    return user_id


async def is_signed_in(conn: Connection, call: Call) -> bool:
    """Whether the session that the access token is from goes on, for what would outlive the token: a new way into the account.

    Else whoever stole a session could leave himself one after it was ended. Asked in a transaction that holds the row of the user.
    """
    return call.session_id is not None and await find_user_of_session(conn, call.tenancy, call.session_id) == call.user_id


async def end_session(conn: Connection, tenancy: Tenancy, session_id: str) -> bool:
    """Ends one session; False when it had ended before."""
    return await conn.execute(queries.END, tenancy_id=tenancy.id, session_id=session_id) == 1


async def end_all_sessions(conn: Connection, tenancy: Tenancy, user_id: str, except_refresh_token_hash: str | None = None) -> int:
    """Ends all sessions of a user, except the one whose refresh token has this hash; how many ended. Part of the caller's transaction.

    Sign-ins that wait for a second factor, or for their application, end, too: what began them may be what is no longer good.
    """
    await void_codes(conn, tenancy, CodeKind.MFA_ATTEMPT, user_id)
    await void_codes_of(conn, tenancy, user_id)
    if except_refresh_token_hash is None:
        return await conn.execute(queries.END_ALL, tenancy_id=tenancy.id, user_id=user_id)
    return await conn.execute(queries.END_ALL_BUT_ONE, tenancy_id=tenancy.id, user_id=user_id, kept_hash=except_refresh_token_hash)


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 sessions that expired 30 days ago, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(queries.PURGE, before=clock.now_millis() - KEPT_AFTER_EXPIRY_MILLIS)


def _as_text(end_user: EndUser | None) -> str | None:
    return None if end_user is None else msgspec.json.encode(end_user).decode()
