"""The endpoints of passkeys (contract 02 §5). They are removed by an update of the user."""

from __future__ import annotations

import typing

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.known_errors import (
    MultiFactorAuthenticationRequired,
    PasskeyAuthenticationFailed,
    PasskeyAuthenticationNotEnabled,
    PasskeyRegistrationFailed,
)
from hexclave_server.core.limits import CHECK_SECRET, WRITE
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.passkeys.registration import register_passkey, start_registration
from hexclave_server.passkeys.sign_in import sign_in_with_passkey, start_sign_in
from hexclave_server.passkeys.wire import PasskeyRegistration, PasskeySignIn, RegisteredPasskey, RegistrationStart, SignInStart
from hexclave_server.sessions.first_factor import SignedIn, tokens_of
from hexclave_server.sessions.wire import SignedInUser
from hexclave_server.verification_codes.service import CODE_ERRORS


@endpoint(
    "POST /auth/passkey/initiate-passkey-registration",
    access=CLIENT,
    user_required=True,
    limit=WRITE,
    tags=["Passkeys"],
    errors=[PasskeyAuthenticationNotEnabled],
)
async def initiate_registration(call: Call) -> RegistrationStart:
    """Starts the registration of a passkey"""
    return await start_registration(call, call.required_user_id)


@endpoint(
    "POST /auth/passkey/register",
    access=CLIENT,
    user_required=True,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Passkeys"],
    errors=[*CODE_ERRORS, PasskeyAuthenticationNotEnabled, PasskeyRegistrationFailed],
)
async def register(call: Call, body: PasskeyRegistration) -> RegisteredPasskey:
    """Registers the passkey that the browser made"""
    return RegisteredPasskey(user_handle=await register_passkey(call, call.required_user_id, body))


@endpoint(
    "POST /auth/passkey/initiate-passkey-authentication",
    access=CLIENT,
    limit=WRITE,
    tags=["Passkeys"],
    errors=[PasskeyAuthenticationNotEnabled],
)
async def initiate_authentication(call: Call) -> SignInStart:
    """Starts a sign-in with a passkey"""
    return await start_sign_in(call)


@endpoint(
    "POST /auth/passkey/sign-in",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Passkeys"],
    errors=[*CODE_ERRORS, PasskeyAuthenticationNotEnabled, PasskeyAuthenticationFailed, MultiFactorAuthenticationRequired],
)
async def sign_in(call: Call, body: PasskeySignIn) -> SignedInUser:
    """Signs a user in with a passkey"""
    outcome = await sign_in_with_passkey(call, body)
    tokens = await tokens_of(call.parts, call.project, outcome)
    user_id = typing.cast("SignedIn", outcome).subject.id
    return SignedInUser(refresh_token=tokens.refresh_token, access_token=tokens.access_token, is_new_user=False, user_id=user_id)


ENDPOINTS = [initiate_registration, register, initiate_authentication, sign_in]
