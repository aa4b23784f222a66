"""The endpoints of the login of command lines (contract 02 §7)."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import UNSET

from hexclave_server.cli_login import complete, service
from hexclave_server.cli_login.wire import (
    CliLoginCodes,
    CliLoginCompleted,
    CliLoginCompletion,
    CliLoginPoll,
    CliLoginStart,
    CliLoginState,
)
from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import InvalidPollingCode
from hexclave_server.core.limits import CHECK_SECRET, READ
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS

_TAGS = ["CLI Authentication"]


@endpoint("POST /auth/cli", access=CLIENT, limit=CHECK_SECRET, throttle=WRONG_TOKENS_BY_ADDRESS, tags=_TAGS, body_optional=True)
async def start_login(call: Call, body: CliLoginStart) -> CliLoginCodes:
    """Starts the login of a command line"""
    token = None if body.anon_refresh_token is UNSET else body.anon_refresh_token
    codes = await service.start_login(call, int(body.expires_in_millis), token)
    expires_at = datetime.fromtimestamp(codes.expires_at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return CliLoginCodes(polling_code=codes.polling_code, login_code=codes.login_code, expires_at=expires_at)


@endpoint(
    "POST /auth/cli/poll",
    access=CLIENT,
    limit=READ,  # sent every two seconds by each command line that waits
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=_TAGS,
    returns=CliLoginState,
    other_statuses=[201],
    errors=[InvalidPollingCode],
)
async def poll_login(call: Call, body: CliLoginPoll) -> Response | CliLoginState:
    """How far the login of the command line is; 201 with the refresh token, once"""
    state, refresh_token = await service.poll_login(call, body.polling_code)
    answer = CliLoginState(status=state, refresh_token=refresh_token or UNSET)
    return json_response(answer, 201) if state == "success" else answer


@endpoint("POST /auth/cli/complete", access=CLIENT, limit=CHECK_SECRET, throttle=WRONG_TOKENS_BY_ADDRESS, tags=_TAGS)
async def complete_login(call: Call, body: CliLoginCompletion) -> CliLoginCompleted:
    """Hands a session to the command line; or looks at its anonymous one, or takes that over"""
    login = await complete.get_open_login(call, body.login_code)
    if body.mode == "check":
        attached = await complete.has_anonymous_session(call, login)
        return CliLoginCompleted(cli_session_state="anonymous" if attached else "none")
    if body.mode == "claim-anon-session":
        tokens = await complete.claim_anonymous_session(call, login)
        return CliLoginCompleted(access_token=tokens.access_token, refresh_token=tokens.refresh_token)
    if body.refresh_token is UNSET:
        raise PlainError(400, "A refresh token is needed to complete the login.")
    await complete.complete_login(call, login, body.refresh_token)
    return CliLoginCompleted(success=True)


ENDPOINTS = [start_login, poll_login, complete_login]
