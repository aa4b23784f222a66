"""An authorization code becomes a session, once (contract 03 §5.2; RFC 6749 §4.1.3, RFC 7636 §4.6).

Decided in one transaction that holds the row of the user: the code is used up, whatever comes of it; then its redirect URI and challenge are
compared, then a second factor is demanded, or a session begins. Who brings a code again ends the session that came of it (RFC 6749
§4.1.2): one of the two is a thief, and we cannot tell which.
"""

from __future__ import annotations

import enum

from hexclave_server.core.context import Call, Project, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import InvalidAuthorizationCode
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.oauth.code_queries import CodeRow
from hexclave_server.oauth.codes import find_code, note_session, open_refresh_token, use_up_code, verifier_fits
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
    OTHER_REDIRECT_URI = enum.auto()


async def exchange_authorization_code(call: Call, project: Project, request: TokenRequest) -> TokenAnswer:
    """The tokens of whoever signed in.

    Raises InvalidAuthorizationCode, RateLimited, MultiFactorAuthenticationRequired, PlainError 400 for another redirect URI, and
    OAuthProtocolError for a missing or malformed parameter.
    """
    code, redirect_uri = require_code(request)
    code_verifier = text_or_none(request.code_verifier)
    exchanged = await call.db.write(lambda conn: _exchange(call, conn, project.tenancy, code, redirect_uri, code_verifier))
    if exchanged is Refusal.NO_GOOD_CODE:
        await call.parts.throttles.count_failure(call.db, project.tenancy.id, WRONG_TOKENS_BY_ADDRESS.of(call.request.address))
        raise InvalidAuthorizationCode
    if exchanged is Refusal.OTHER_REDIRECT_URI:
        raise PlainError(400, "The redirect_uri is not the one that the code was made for. Start the sign-in again.")
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


async def _exchange(
    call: Call, conn: Connection, tenancy: Tenancy, code: str, redirect_uri: str, code_verifier: str | None
) -> tuple[CodeRow, SignedIn | SecondFactorDue] | Refusal:
    row = await find_code(conn, tenancy, code)
    # The user before the code: in this order, too, his deletion takes the rows.
    if row is None or not await lock_user(conn, tenancy, row.user_id):
        return Refusal.NO_GOOD_CODE
    if not await use_up_code(conn, tenancy, code):
        await _end_what_came_of(conn, tenancy, code)
        return Refusal.NO_GOOD_CODE
    if not verifier_fits(code_verifier, row.code_challenge):
        return Refusal.NO_GOOD_CODE
    if redirect_uri != row.redirect_uri:
        return Refusal.OTHER_REDIRECT_URI
    outcome: SignedIn | SecondFactorDue | None = await _hand_on(call, conn, tenancy, code, row)
    if outcome is None:
        # Not as a new user: an attempt says so of nobody who came with a code of ours (contract 03 §5.2).
        outcome = await finish_first_factor(conn, call.parts.keyring, tenancy, row.user_id, call.end_user, is_new_user=False)
    if outcome is None:
        return Refusal.NO_GOOD_CODE
    if isinstance(outcome, SignedIn):
        await note_session(conn, tenancy, code, outcome.session.id)
    return row, outcome


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


async def _end_what_came_of(conn: Connection, tenancy: Tenancy, code: str) -> None:
    """Ends the session of a code that was used before, or the sign-in that still waits for its second factor."""
    row = await find_code(conn, tenancy, code)
    if row is None or row.used_at is None:
        return
    if row.session_id is not None:
        await end_session(conn, tenancy, row.session_id)
    else:
        await void_codes(conn, tenancy, CodeKind.MFA_ATTEMPT, row.user_id)
