"""Signing in, or up, with a code that was sent by email (contract 02 §3.2).

The six characters of the email can be guessed by whoever asked for the code and so knows the rest. Each try is therefore counted under the
address that the code was sent to, over all its codes, before it is checked: new codes bring no new tries.
"""

from __future__ import annotations

from typing import Any

from hexclave_server.contact_channels.service import NormalEmail, find_sign_in_channel
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, PASSWORD, SIGN_IN_CODE, Subject
from hexclave_server.otp.rules import require_admitted
from hexclave_server.otp.send import Asked
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor
from hexclave_server.users.primary_email import address_is_taken
from hexclave_server.users.service import allow_codes
from hexclave_server.users.sign_up import SignUp, create_or_upgrade
from hexclave_server.verification_codes.service import CodeKind, find_payload, redeem_code, try_code


async def check_sign_in_code(call: Call, text: str) -> None:
    """Whether a code is good; it stays so. Raises RateLimited and what `try_code` raises."""
    guess = await _count_guess(call, text)
    await try_code(call, CodeKind.SIGN_IN, text)
    await call.db.write(lambda conn: call.parts.throttles.give_back(conn, call.tenancy.id, *guess))


async def sign_in_with_code(call: Call, text: str) -> tuple[SignedIn | SecondFactorDue, bool]:
    """Signs in the user of the address that the code was sent to, as he is now, or makes one; the outcome, and whether he is new.

    Raises RateLimited, what `redeem_code` raises, and then, with the code used up, UserEmailAlreadyExists and SignUpNotEnabled.
    """
    guess = await _count_guess(call, text)
    code = await redeem_code(call, CodeKind.SIGN_IN, text)
    asked = Asked.of_payload(code.payload)
    address = NormalEmail(asked.address)

    async def sign_in(conn: Connection) -> tuple[SignedIn | SecondFactorDue, bool]:
        user_id, is_new = await _user_of(call, conn, address, asked)
        outcome = await finish_first_factor(conn, call.parts.keyring, call.tenancy, user_id, call.end_user, is_new_user=is_new)
        if outcome is None:
            msg = "a user is gone in the transaction that holds his row"
            raise RuntimeError(msg)
        await call.parts.throttles.give_back(conn, call.tenancy.id, *guess)
        await call.parts.throttles.clear(conn, call.tenancy.id, PASSWORD.of(address), PASSWORD.of(user_id))
        return outcome, is_new

    try:
        return await call.db.write(sign_in)
    except UniqueViolation:
        raise address_is_taken(address) from None


async def _user_of(call: Call, conn: Connection, address: NormalEmail, asked: Asked) -> tuple[str, bool]:
    """The user who signs in with the address, his row locked, or a new one; and whether he is new.

    He is looked for again when the lock is held, since he may have lost the address while it was waited for.
    """
    channel = await find_sign_in_channel(conn, call.tenancy, address)
    while channel is not None:
        require_admitted(address, channel, call.config)
        await allow_codes(conn, call.tenancy, channel.user_id)
        now = await find_sign_in_channel(conn, call.tenancy, address)
        if now == channel:
            return channel.user_id, False
        channel = now
    require_admitted(address, None, call.config)
    new = SignUp(email=address, email_verified=True, otp_auth_enabled=True, end_user=asked.end_user)
    return await create_or_upgrade(call, conn, new), True


async def _count_guess(call: Call, text: str) -> list[Subject]:
    """Counts a try at the account of the code; what was counted. Nothing when no code has this nonce: there is nothing to guess."""
    payload: Any = await find_payload(call.db, call.parts.keyring, call.tenancy, CodeKind.SIGN_IN, text)
    if payload is None:
        return []
    subjects = [SIGN_IN_CODE.of(Asked.of_payload(payload).address)]
    if call.access is Access.CLIENT:  # a back end with a server key asks for many people from one address
        subjects.append(GUESSES_BY_ADDRESS.of(call.request.address))
    await call.parts.throttles.count(call.db, call.tenancy.id, *subjects)
    return subjects
