"""The endpoint of anonymous users (contract 02 §6)."""

from __future__ import annotations

from hexclave_server.anonymous_users.service import NEW_USERS_BY_ADDRESS, sign_up_anonymously
from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.limits import WRITE
from hexclave_server.passwords.wire import SignedIn
from hexclave_server.sessions.first_factor import tokens_of


@endpoint("POST /auth/anonymous/sign-up", access=CLIENT, limit=WRITE, throttle=NEW_USERS_BY_ADDRESS, tags=["Anonymous"])
async def sign_up(call: Call) -> SignedIn:
    """Signs a visitor up as a user without an address"""
    outcome = await sign_up_anonymously(call)
    tokens = await tokens_of(call.parts, call.project, outcome)
    return SignedIn(access_token=tokens.access_token, refresh_token=tokens.refresh_token, user_id=outcome.subject.id)


ENDPOINTS = [sign_up]
