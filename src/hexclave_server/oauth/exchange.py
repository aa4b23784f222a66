"""An authorization code becomes a session, once (contract 03 §5.2; RFC 6749 §4.1.3, RFC 7636 §4.6).

Decided in one transaction that holds the row of the user: the code is used up, whatever comes of it; then its redirect URI and challenge are
compared, what waited for this proof is done, then a second factor is demanded, or a session begins. Who brings a code again ends the session
that came of it (RFC 6749 §4.1.2): one of the two is a thief, and we cannot tell which.
"""

from __future__ import annotations

import enum

import msgspec

from hexclave_server.core.context import Call, Project, Tenancy
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.errors import KnownError, PlainError, Unavailable
from hexclave_server.core.known_errors import InvalidAuthorizationCode, UserEmailAlreadyExists
from hexclave_server.core.log import logger
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.oauth import arrivals
from hexclave_server.oauth.account_resolution import ATTEMPTS, Resolved
from hexclave_server.oauth.code_queries import CodeRow
from hexclave_server.oauth.codes import find_code, note_session, open_arrival, open_refresh_token, use_up_code, verifier_fits
from hexclave_server.oauth.token import require_code
from hexclave_server.oauth.wire import TokenAnswer, TokenRequest, text_or_none
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor, tokens_of
from hexclave_server.sessions.service import NewSession, end_session, find_session_of_token, hand_on_session
from hexclave_server.users.lock import lock_user
from hexclave_server.users.token_subject import find_token_subject
from hexclave_server.verification_codes.service import CodeKind, void_codes


class Refusal(enum.Enum):
    """Why nothing came of a code. Returned, not raised: that it is used up, or a session has ended, must stay."""

    NO_GOOD_CODE = enum.auto()
    USED_BEFORE = enum.auto()
    OTHER_REDIRECT_URI = enum.auto()


_Exchanged = tuple[CodeRow, SignedIn | SecondFactorDue] | Refusal | KnownError | PlainError


async def exchange_authorization_code(call: Call, project: Project, request: TokenRequest) -> TokenAnswer:
    """The tokens of whoever signed in.

    Raises InvalidAuthorizationCode, RateLimited, MultiFactorAuthenticationRequired, PlainError 400 for another redirect URI,
    OAuthProtocolError for a missing or malformed parameter, and what `arrivals.settle` raises when things have changed since the callback.
    """
    code, redirect_uri = require_code(request)
    code_verifier = text_or_none(request.code_verifier)
    exchanged = await _exchange_once(call, project, code, redirect_uri, code_verifier)
    if exchanged is Refusal.USED_BEFORE:
        logger().warning("authorization code used twice", project=project.id)
    if exchanged is Refusal.NO_GOOD_CODE or exchanged is Refusal.USED_BEFORE:
        await call.parts.throttles.count_failure(call.db, project.tenancy.id, WRONG_TOKENS_BY_ADDRESS.of(call.request.address))
        raise InvalidAuthorizationCode
    if exchanged is Refusal.OTHER_REDIRECT_URI:
        raise PlainError(400, "The redirect_uri is not the one that the code was made for. Start the sign-in again.")
    if isinstance(exchanged, Exception):
        raise exchanged
    row, outcome = exchanged
    tokens = await tokens_of(call.parts, project, outcome)
    return TokenAnswer(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        is_new_user=row.is_new_user,
        newUser=row.is_new_user,
        after_callback_redirect_url=row.after_callback_redirect_url,
        afterCallbackRedirectUrl=row.after_callback_redirect_url,
    )


async def _exchange_once(call: Call, project: Project, code: str, redirect_uri: str, code_verifier: str | None) -> _Exchanged:
    for _ in range(ATTEMPTS):
        try:
            return await call.db.write(lambda conn: _exchange(call, conn, project, code, redirect_uri, code_verifier))
        except (UniqueViolation, UserEmailAlreadyExists):  # another sign-in of the same person came first
            continue
    raise Unavailable(retry_after_seconds=1)


async def _exchange(call: Call, conn: Connection, project: Project, code: str, redirect_uri: str, code_verifier: str | None) -> _Exchanged:
    tenancy = project.tenancy
    row = await find_code(conn, tenancy, code)
    # The user before the code: in this order, too, his deletion takes the rows.
    if row is None or not await lock_user(conn, tenancy, row.user_id):
        return Refusal.NO_GOOD_CODE
    if not await use_up_code(conn, tenancy, code):
        return await _end_what_came_of(conn, tenancy, code)
    if not verifier_fits(code_verifier, row.code_challenge):
        return Refusal.NO_GOOD_CODE
    if redirect_uri != row.redirect_uri:
        return Refusal.OTHER_REDIRECT_URI
    if row.sealed_arrival is not None:
        settled = await _settle(call, conn, project, code, row)
        if not isinstance(settled, Resolved):
            return settled
        row = msgspec.structs.replace(row, user_id=settled.user_id, is_new_user=settled.is_new_user)
    outcome: SignedIn | SecondFactorDue | None = await _hand_on(call, conn, tenancy, code, row)
    if outcome is None:
        # Not as a new user: an attempt says so of nobody who came with a code of ours (contract 03 §5.2).
        outcome = await finish_first_factor(conn, call.parts.keyring, tenancy, row.user_id, call.end_user, is_new_user=False)
    if outcome is None:
        return Refusal.NO_GOOD_CODE
    if isinstance(outcome, SignedIn):
        await note_session(conn, tenancy, code, outcome.session.id)
    return row, outcome


async def _settle(call: Call, conn: Connection, project: Project, code: str, row: CodeRow) -> Resolved | Refusal | KnownError | PlainError:
    """Does what waited in the code for the proof that its user began this, or says why it cannot be done any more."""
    written = open_arrival(call.parts.keyring, project.tenancy, code, row)
    if written is None:
        return Refusal.NO_GOOD_CODE
    try:
        settled = await arrivals.settle(conn, call.parts.keyring, project, arrivals.read(written), is_proven=True)
    except UserEmailAlreadyExists:
        raise  # a race, which is run again
    except (KnownError, PlainError) as error:
        return error
    return settled if isinstance(settled, Resolved) else Refusal.NO_GOOD_CODE


async def _hand_on(call: Call, conn: Connection, tenancy: Tenancy, code: str, row: CodeRow) -> SignedIn | None:
    """The session that the code hands on; None when it hands on none, the session has ended, or a second factor is due first."""
    refresh_token = open_refresh_token(call.parts.keyring, tenancy, code, row)
    if refresh_token is None:
        return None
    subject = await find_token_subject(conn, tenancy, row.user_id)
    session = await find_session_of_token(conn, tenancy, refresh_token)
    if subject is None or subject.requires_totp_mfa or session is None or session.user_id != row.user_id:
        return None
    if not await hand_on_session(conn, tenancy, session, call.end_user):
        return None
    return SignedIn(subject, NewSession(session.id, refresh_token))


async def _end_what_came_of(conn: Connection, tenancy: Tenancy, code: str) -> Refusal:
    """Ends the session of a code that was used before, or the sign-in that still waits for its second factor."""
    row = await find_code(conn, tenancy, code)
    if row is None or row.used_at is None:
        return Refusal.NO_GOOD_CODE
    if row.session_id is not None:
        await end_session(conn, tenancy, row.session_id)
    else:
        await void_codes(conn, tenancy, CodeKind.MFA_ATTEMPT, row.user_id)
    return Refusal.USED_BEFORE
