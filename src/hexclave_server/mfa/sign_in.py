"""Finishing a sign-in with the second factor (contract 02 §4).

The attempt code is tried, the guess is counted, and only then is anything checked: in one transaction that holds the user's row, the
attempt is used up, the password's time step or the recovery code is used up, and the session starts. So a wrong code leaves the attempt as
it was, parallel uses of one code give one session, and nobody guesses faster by making new attempts.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from hexclave_server.core import clock
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import InvalidTotpCode, SchemaError
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, Subject, Throttle
from hexclave_server.mfa.recovery_codes import use_recovery_code
from hexclave_server.mfa.totp import TOLERATED_STEPS, matching_step, step_at
from hexclave_server.mfa.wire import SecondFactorSignIn
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.sessions.first_factor import SignedIn
from hexclave_server.sessions.service import create_session
from hexclave_server.users.second_factor import SecondFactor, accept_totp_step, hold_second_factor, opened_totp_secret
from hexclave_server.users.token_subject import find_token_subject
from hexclave_server.verification_codes.service import Code, CodeKind, try_code, use_up

SECOND_FACTOR: Final = Throttle("second-factor", burst=20, interval_seconds=300)
"""Over all attempts of a user. Three passwords out of a million are good at a time: whoever knows the first factor and keeps guessing has a
chance of 1 in 1,080 a day. The user puts an end to it with a new password, which voids all attempts."""


async def sign_in_with_second_factor(call: Call, body: SecondFactorSignIn) -> tuple[SignedIn, bool]:
    """The session that the first factor was for, and whether that was a sign-up.

    Raises SchemaError, the errors of verification codes, RateLimited, InvalidTotpCode; the last leaves the attempt good.
    """
    _require_one_proof(body)
    attempt = await try_code(call, CodeKind.MFA_ATTEMPT, body.code)
    user_id = attempt.user_id
    if user_id is None:
        raise InvalidTotpCode
    guesses = _guesses(call, user_id)
    await call.parts.throttles.count(call.db, call.tenancy.id, *guesses)

    async def finish(conn: Connection) -> SignedIn:
        factor = await hold_second_factor(conn, call.tenancy, user_id)
        await use_up(conn, call.tenancy, attempt)
        if factor is None or not await _is_proven(conn, call, user_id, factor, body):
            raise InvalidTotpCode
        await call.parts.throttles.give_back(conn, call.tenancy.id, *guesses)
        return await _start_session(conn, call, user_id)

    signed_in = await call.db.write(finish)
    call.parts.outbox.wake()
    return signed_in, _was_sign_up(attempt)


def _require_one_proof(body: SecondFactorSignIn) -> None:
    for name in ("totp", "recovery_code"):
        given = getattr(body, name) is not UNSET
        if given is not (body.type == name):
            raise SchemaError(text=f"body has an unknown property: {name}" if given else f"body.{name} is required")


def _guesses(call: Call, user_id: str) -> list[Subject]:
    """Under whom the try is counted; a back end with a server key calls for many people from one address."""
    subject = SECOND_FACTOR.of(user_id)
    return [subject, GUESSES_BY_ADDRESS.of(call.request.address)] if call.access is Access.CLIENT else [subject]


async def _is_proven(conn: Connection, call: Call, user_id: str, factor: SecondFactor, body: SecondFactorSignIn) -> bool:
    """Uses up what the body proves the second factor with; False when it is wrong, or was used before."""
    if isinstance(body.recovery_code, str):
        if not await use_recovery_code(conn, call.parts.keyring, call.tenancy, user_id, body.recovery_code):
            return False
        await notify(conn, call.parts, call.tenancy, user_id, Event.SECOND_FACTOR)
        return True
    now = clock.now_millis()
    secret = opened_totp_secret(call.parts.keyring, call.tenancy, user_id, factor)
    step = matching_step(secret, body.totp, now) if isinstance(body.totp, str) else None
    return step is not None and await accept_totp_step(conn, call.tenancy, user_id, step, latest_step=step_at(now) + TOLERATED_STEPS)


async def _start_session(conn: Connection, call: Call, user_id: str) -> SignedIn:
    session = await create_session(conn, call.tenancy, user_id, call.end_user)
    subject = await find_token_subject(conn, call.tenancy, user_id)
    if session is None or subject is None:
        raise InvalidTotpCode
    return SignedIn(subject, session)


def _was_sign_up(attempt: Code) -> bool:
    return attempt.payload is not None and attempt.payload.get("is_new_user") is True
