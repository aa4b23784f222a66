"""Registering a passkey (contract 02 §5.1, §5.2): of the user who asked for the challenge, and of nobody else.

A credential id belongs to one user of the project: two who bring the same one are told apart by one conditional insert.
"""

from __future__ import annotations

from hexclave_server.core import clock
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import PasskeyRegistrationFailed
from hexclave_server.passkeys import queries
from hexclave_server.passkeys.ceremonies import ALGORITHMS, NewPasskey, load_library, verify_registration
from hexclave_server.passkeys.challenges import challenge_of, new_challenge, require_passkeys
from hexclave_server.passkeys.client_data import CeremonyFailed, encoded
from hexclave_server.passkeys.wire import (
    CreationOptions,
    KeyParameters,
    PasskeyOwner,
    PasskeyRegistration,
    RegistrationStart,
    RelyingParty,
)
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.sessions.service import is_signed_in
from hexclave_server.users.lock import lock_user
from hexclave_server.users.read import UserRow, get_user
from hexclave_server.verification_codes.service import CodeKind, redeem_code

_NAMELESS = "Account without a name"


async def start_registration(call: Call, user_id: str) -> RegistrationStart:
    """Options for the browser of this user, and the code for `register`. Raises PasskeyAuthenticationNotEnabled."""
    require_passkeys(call.config)
    user = await get_user(call.db, call.tenancy, user_id)
    challenge, code = await new_challenge(call, CodeKind.PASSKEY_REGISTRATION, user_id)
    options = CreationOptions(
        rp=RelyingParty(name=call.project.display_name),
        user=_owner(user),
        challenge=challenge,
        pub_key_cred_params=[KeyParameters(alg=number) for number in ALGORITHMS],
    )
    return RegistrationStart(code=code, options_json=options)


async def register_passkey(call: Call, user_id: str, body: PasskeyRegistration) -> str:
    """Stores the credential for the user, who gets a notice; the credential id.

    Raises the errors of verification codes, PasskeyAuthenticationNotEnabled, and PasskeyRegistrationFailed for whatever is wrong with the
    credential, for another user's challenge, another user's credential, and a session that has ended.
    """
    code = await redeem_code(call, CodeKind.PASSKEY_REGISTRATION, body.code)
    require_passkeys(call.config)
    if code.user_id != user_id:
        raise PasskeyRegistrationFailed
    await load_library()
    try:
        passkey = verify_registration(body.credential, challenge_of(code), call.config)
    except CeremonyFailed:
        raise PasskeyRegistrationFailed from None
    await _store(call, user_id, passkey)
    return passkey.credential_id


async def _store(call: Call, user_id: str, passkey: NewPasskey) -> None:
    async def store(conn: Connection) -> None:
        if not await lock_user(conn, call.tenancy, user_id) or not await is_signed_in(conn, call):
            raise PasskeyRegistrationFailed
        stored = await conn.execute(
            queries.REGISTER,
            tenancy_id=call.tenancy.id,
            credential_id=passkey.credential_id,
            user_id=user_id,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            rp_id=passkey.rp_id,
            is_backed_up=passkey.is_backed_up,
            now=clock.now_millis(),
        )
        if stored != 1:
            raise PasskeyRegistrationFailed
        await notify(conn, call.parts, call.tenancy, user_id, Event.PASSKEY)

    await call.db.write(store)
    call.parts.outbox.wake()


def _owner(user: UserRow) -> PasskeyOwner:
    name = user.display_name or user.primary_email or _NAMELESS
    return PasskeyOwner(id=encoded(user.id.encode()), name=name, display_name=name)
