"""What follows a first factor that was right, whichever it was: a session, or the demand for a second factor (contract 02 §1.6).

Decided in the transaction of the sign-in, on the user's row as it is then: nobody gets a session because his second factor was added a
moment too late, and a demand leaves no session behind.
"""

from __future__ import annotations

import msgspec

from hexclave_server.core.client_address import EndUser
from hexclave_server.core.context import Parts, Project, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import MultiFactorAuthenticationRequired
from hexclave_server.sessions.service import NewSession, add_session, create_session, first_tokens
from hexclave_server.sessions.wire import Tokens
from hexclave_server.users.token_subject import TokenSubject, find_token_subject
from hexclave_server.verification_codes.service import CodeKind, create_code


class SignedIn(msgspec.Struct, frozen=True):
    """The user with his new session."""

    subject: TokenSubject
    session: NewSession


class SecondFactorDue(msgspec.Struct, frozen=True):
    """No session yet: the code with which the second factor is to be brought."""

    attempt_code: str


async def finish_first_factor(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, user_id: str, end_user: EndUser | None, *, is_new_user: bool
) -> SignedIn | SecondFactorDue | None:
    """Signs the user in, or starts a second-factor attempt; None when there is no such user.

    Part of a transaction that has written to the row of the user or holds it, so that nobody changes it meanwhile.
    """
    subject = await find_token_subject(conn, tenancy, user_id)
    if subject is None:
        return None
    if subject.requires_totp_mfa:
        return await _demand_second_factor(conn, keyring, tenancy, user_id, is_new_user=is_new_user)
    session = await create_session(conn, tenancy, user_id, end_user)
    return None if session is None else SignedIn(subject, session)


async def finish_password(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, subject: TokenSubject, end_user: EndUser | None, now: int
) -> SignedIn | SecondFactorDue:
    """The same for a user whom `use_password` has noted and read in this transaction at `now`."""
    if subject.requires_totp_mfa:
        return await _demand_second_factor(conn, keyring, tenancy, subject.id, is_new_user=False)
    return SignedIn(subject, await add_session(conn, tenancy, subject.id, end_user, now=now))


async def _demand_second_factor(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, user_id: str, *, is_new_user: bool
) -> SecondFactorDue:
    payload = {"is_new_user": is_new_user}
    return SecondFactorDue(await create_code(conn, keyring, tenancy, CodeKind.MFA_ATTEMPT, user_id=user_id, payload=payload))


async def tokens_of(parts: Parts, project: Project, outcome: SignedIn | SecondFactorDue) -> Tokens:
    """The tokens of a sign-in that was committed. Raises MultiFactorAuthenticationRequired when a second factor is due."""
    if isinstance(outcome, SecondFactorDue):
        raise MultiFactorAuthenticationRequired(attempt_code=outcome.attempt_code)
    return await first_tokens(parts, project, outcome.subject, outcome.session)
