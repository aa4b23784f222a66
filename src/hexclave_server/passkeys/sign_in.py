"""Signing in with a passkey (contract 02 §5.3, §5.4). The account is the one that registered the credential; whatever fails is one answer."""

from __future__ import annotations

from hexclave_server.core import clock
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import PasskeyAuthenticationFailed
from hexclave_server.passkeys import queries
from hexclave_server.passkeys.ceremonies import Assertion, KnownPasskey, claimed_credential_id, load_library, verify_authentication
from hexclave_server.passkeys.challenges import challenge_of, new_challenge, require_passkeys
from hexclave_server.passkeys.client_data import CeremonyFailed
from hexclave_server.passkeys.wire import PasskeySignIn, RequestOptions, SignInStart
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor
from hexclave_server.users.lock import lock_user
from hexclave_server.verification_codes.service import CodeKind, redeem_code


async def start_sign_in(call: Call) -> SignInStart:
    """Options for the browser, and the code for `sign-in`. Raises PasskeyAuthenticationNotEnabled."""
    require_passkeys(call.config)
    challenge, code = await new_challenge(call, CodeKind.PASSKEY_SIGN_IN, None)
    return SignInStart(code=code, options_json=RequestOptions(challenge=challenge))


async def sign_in_with_passkey(call: Call, body: PasskeySignIn) -> SignedIn | SecondFactorDue:
    """Signs in the user of the credential.

    Raises the errors of verification codes, PasskeyAuthenticationNotEnabled and PasskeyAuthenticationFailed.
    """
    code = await redeem_code(call, CodeKind.PASSKEY_SIGN_IN, body.code)
    require_passkeys(call.config)
    await load_library()
    try:
        credential_id = claimed_credential_id(body.authentication_response)
        known = await call.db.first(KnownPasskey, queries.FIND, tenancy_id=call.tenancy.id, credential_id=credential_id)
        if known is None:
            raise PasskeyAuthenticationFailed
        assertion = verify_authentication(body.authentication_response, known, challenge_of(code), call.config)
    except CeremonyFailed:
        raise PasskeyAuthenticationFailed from None
    return await _complete(call, credential_id, known, assertion)


async def _complete(call: Call, credential_id: str, known: KnownPasskey, assertion: Assertion) -> SignedIn | SecondFactorDue:
    tenancy, keyring, end_user, user_id = call.tenancy, call.parts.keyring, call.end_user, known.user_id

    async def complete(conn: Connection) -> SignedIn | SecondFactorDue:
        if not await lock_user(conn, tenancy, user_id):
            raise PasskeyAuthenticationFailed
        # The condition refuses a copy of the authenticator that counts behind it, and a passkey that was removed or replaced since it was read.
        used = await conn.execute(
            queries.USE,
            tenancy_id=tenancy.id,
            credential_id=credential_id,
            user_id=user_id,
            public_key=known.public_key,
            sign_count=assertion.sign_count,
            is_backed_up=assertion.is_backed_up,
            now=clock.now_millis(),
        )
        outcome = await finish_first_factor(conn, keyring, tenancy, user_id, end_user, is_new_user=False) if used == 1 else None
        if outcome is None:
            raise PasskeyAuthenticationFailed
        return outcome

    return await call.db.write(complete)
