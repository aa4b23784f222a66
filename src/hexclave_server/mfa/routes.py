"""The endpoints of second factors (contract 02 §4). Setting one up is an update of the user."""

from __future__ import annotations

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.known_errors import InvalidTotpCode
from hexclave_server.core.limits import CHECK_SECRET, READ, WRITE
from hexclave_server.mfa.recovery_codes import count_recovery_codes, replace_recovery_codes
from hexclave_server.mfa.sign_in import SECOND_FACTOR, sign_in_with_second_factor
from hexclave_server.mfa.wire import NoFields, RecoveryCodes, RecoveryCodesLeft, SecondFactorSignIn
from hexclave_server.sessions.first_factor import tokens_of
from hexclave_server.sessions.wire import SignedInUser
from hexclave_server.verification_codes.service import CODE_ERRORS


@endpoint(
    "POST /auth/mfa/sign-in",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=SECOND_FACTOR,
    tags=["Second factor"],
    errors=[*CODE_ERRORS, InvalidTotpCode],
)
async def sign_in(call: Call, body: SecondFactorSignIn) -> SignedInUser:
    """Finishes a sign-in with the second factor"""
    signed_in, is_new_user = await sign_in_with_second_factor(call, body)
    tokens = await tokens_of(call.parts, call.project, signed_in)
    return SignedInUser(
        refresh_token=tokens.refresh_token, access_token=tokens.access_token, is_new_user=is_new_user, user_id=signed_in.subject.id
    )


@endpoint("POST /auth/mfa/recovery-codes", access=CLIENT, user_required=True, limit=WRITE, tags=["Second factor"], body_optional=True)
async def create_recovery_codes(call: Call, body: NoFields) -> RecoveryCodes:  # noqa: ARG001 - declared so that unknown fields are refused
    """Makes new recovery codes; former ones are void"""
    return RecoveryCodes(recovery_codes=await replace_recovery_codes(call.parts, call.tenancy, call.required_user_id))


@endpoint("GET /auth/mfa/recovery-codes", access=CLIENT, user_required=True, limit=READ, tags=["Second factor"])
async def read_recovery_codes(call: Call) -> RecoveryCodesLeft:
    """Tells how many recovery codes are left"""
    return RecoveryCodesLeft(remaining=await count_recovery_codes(call.db, call.tenancy, call.required_user_id))


ENDPOINTS = [sign_in, create_recovery_codes, read_recovery_codes]
