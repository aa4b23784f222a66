"""The command line's side of its login: it starts one, and polls until a page has completed it (contract 02 §7.1, §7.2).

Whoever polls with the right code gets the refresh token once: the statement that marks the login as fetched decides who that is, and wipes
the only copy. An outdated login hands out nothing, completed or not.
"""

from __future__ import annotations

from hexclave_server.cli_login import queries
from hexclave_server.cli_login.queries import PolledLogin
from hexclave_server.cli_login.wire import LoginState
from hexclave_server.core import clock, randomness
from hexclave_server.core.client_address import UNKNOWN_ADDRESS
from hexclave_server.core.context import Access, Call, Tenancy
from hexclave_server.core.crypto import Keyring, hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import InvalidPollingCode
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.sessions.service import SessionOfToken, find_session_of_token
from hexclave_server.users.token_subject import find_token_subject

KEPT_AFTER_EXPIRY_MILLIS = 24 * 60 * 60 * 1000
"""For so long an outdated login is told apart from one that never was."""
_PURPOSE = "cli-login"


class LoginCodes:
    """The two codes of a new login, and when it ends (epoch milliseconds)."""

    def __init__(self, polling_code: str, login_code: str, expires_at: int) -> None:
        self.polling_code = polling_code
        self.login_code = login_code
        self.expires_at = expires_at


def state_of(login: PolledLogin, now: int) -> LoginState:
    """The first state that applies, in the order of the contract (02 §7.2); `success` is for whoever gets to fetch the token."""
    if login.expires_at <= now:
        return "expired"
    if login.fetched_at is not None:
        return "used"
    return "waiting" if login.completed_at is None else "success"


async def start_login(call: Call, lifetime_millis: int, anonymous_refresh_token: str | None) -> LoginCodes:
    """Starts a login that must be completed within its lifetime; one that is not positive has ended already.

    Raises PlainError 400 unless the token, if there is one, is that of a live session of an anonymous user; RateLimited in its place when too
    many from this client address were wrong.
    """
    tenancy, keyring, login_id = call.tenancy, call.parts.keyring, randomness.new_uuid()
    sealed = None
    if anonymous_refresh_token is not None:
        if await find_anonymous_session(call.db, tenancy, anonymous_refresh_token) is None:
            await count_wrong_secret(call)
            raise PlainError(400, "The refresh token is not that of a session of an anonymous user.")
        sealed = seal(keyring, tenancy, login_id, anonymous_refresh_token)
    now = clock.now_millis()
    codes = LoginCodes(randomness.new_token(), randomness.new_token(), now + max(0, lifetime_millis))
    address = call.request.address if call.access is Access.CLIENT else UNKNOWN_ADDRESS  # a back end's says nothing of the command line's

    async def create(conn: Connection) -> None:
        await conn.execute(
            queries.CREATE,
            tenancy_id=tenancy.id,
            login_id=login_id,
            polling_code_hash=hash_secret(codes.polling_code),
            login_code_hash=hash_secret(codes.login_code),
            sealed_anonymous_refresh_token=sealed,
            started_from=None if address == UNKNOWN_ADDRESS else address,
            now=now,
            expires_at=codes.expires_at,
        )

    await call.db.write(create)
    return codes


async def poll_login(call: Call, polling_code: str) -> tuple[LoginState, str | None]:
    """How far the login is, and the refresh token for the one who finds it completed.

    Raises InvalidPollingCode; RateLimited in its place when too many codes from this client address were wrong.
    """
    tenancy = call.tenancy
    login = await call.db.first(PolledLogin, queries.FIND_POLLED, tenancy_id=tenancy.id, polling_code_hash=hash_secret(polling_code))
    if login is None:
        await count_wrong_secret(call)
        raise InvalidPollingCode
    state = state_of(login, clock.now_millis())
    if state != "success" or login.sealed_refresh_token is None:
        return state, None
    refresh_token = unseal(call.parts.keyring, tenancy, login.id, login.sealed_refresh_token)
    now = clock.now_millis()
    if await call.db.write(lambda conn: conn.execute(queries.FETCH, tenancy_id=tenancy.id, login_id=login.id, now=now)) == 1:
        return "success", refresh_token
    return ("expired" if login.expires_at <= now else "used"), None


async def find_anonymous_session(conn: Connection, tenancy: Tenancy, refresh_token: str) -> SessionOfToken | None:
    """The live session behind the token if its user is (still) anonymous, else None."""
    session = await find_session_of_token(conn, tenancy, refresh_token)
    subject = None if session is None else await find_token_subject(conn, tenancy, session.user_id)
    return session if subject is not None and subject.is_anonymous else None


async def count_wrong_secret(call: Call) -> None:
    """Counts a code or token that was wrong against the client's address. Raises RateLimited when there were too many."""
    if call.access is Access.CLIENT:
        await call.parts.throttles.count_failure(call.db, call.tenancy.id, WRONG_TOKENS_BY_ADDRESS.of(call.request.address))


def seal(keyring: Keyring, tenancy: Tenancy, login_id: str, refresh_token: str) -> str:
    """The refresh token as it may lie in the row of this login."""
    return keyring.encrypt(refresh_token.encode(), purpose=_PURPOSE, tenancy_id=tenancy.id, row_id=login_id)


def unseal(keyring: Keyring, tenancy: Tenancy, login_id: str, sealed: str) -> str:
    """The refresh token that was sealed for this login."""
    return keyring.decrypt(sealed, purpose=_PURPOSE, tenancy_id=tenancy.id, row_id=login_id).decode()


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 logins that ended a day ago, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(queries.PURGE, before=clock.now_millis() - KEPT_AFTER_EXPIRY_MILLIS)
