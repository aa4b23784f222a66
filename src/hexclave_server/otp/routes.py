"""The endpoints of sign-in by a code or a link sent by email (contract 02 §3)."""

from __future__ import annotations

import typing

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.known_errors import (
    MultiFactorAuthenticationRequired,
    RedirectUrlNotWhitelisted,
    SignUpNotEnabled,
    UserEmailAlreadyExists,
)
from hexclave_server.core.limits import CHECK_SECRET, SEND_MESSAGE
from hexclave_server.core.throttles import MESSAGES, SIGN_IN_CODE
from hexclave_server.otp.send import send_sign_in_code
from hexclave_server.otp.sign_in import check_sign_in_code, sign_in_with_code
from hexclave_server.otp.wire import Nonce, SignInCodeRequest
from hexclave_server.sessions import first_factor
from hexclave_server.sessions.wire import SignedInUser
from hexclave_server.verification_codes.service import CODE_ERRORS
from hexclave_server.verification_codes.wire import CodeBody, CodeIsValid

_TAGS = ["Sign-in by email"]


@endpoint(
    "POST /auth/otp/send-sign-in-code",
    access=CLIENT,
    limit=SEND_MESSAGE,
    throttle=MESSAGES,
    tags=_TAGS,
    errors=[UserEmailAlreadyExists, SignUpNotEnabled, RedirectUrlNotWhitelisted],
)
async def send_code(call: Call, body: SignInCodeRequest) -> Nonce:
    """Sends a code and a link to sign in with to the address"""
    return Nonce(nonce=await send_sign_in_code(call, body.email, body.callback_url))


@endpoint(
    "POST /auth/otp/sign-in",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=SIGN_IN_CODE,
    tags=_TAGS,
    errors=[*CODE_ERRORS, UserEmailAlreadyExists, SignUpNotEnabled, MultiFactorAuthenticationRequired],
)
async def sign_in(call: Call, body: CodeBody) -> SignedInUser:
    """Signs a user in, or a new one up, with the code of an email"""
    outcome, is_new_user = await sign_in_with_code(call, body.code)
    tokens = await first_factor.tokens_of(call.parts, call.project, outcome)
    user_id = typing.cast("first_factor.SignedIn", outcome).subject.id
    return SignedInUser(refresh_token=tokens.refresh_token, access_token=tokens.access_token, is_new_user=is_new_user, user_id=user_id)


@endpoint("POST /auth/otp/sign-in/check-code", access=CLIENT, limit=CHECK_SECRET, throttle=SIGN_IN_CODE, tags=_TAGS, errors=CODE_ERRORS)
async def check_code(call: Call, body: CodeBody) -> CodeIsValid:
    """Says whether a sign-in code is good, without using it up"""
    await check_sign_in_code(call, body.code)
    return CodeIsValid()


ENDPOINTS = [send_code, sign_in, check_code]
