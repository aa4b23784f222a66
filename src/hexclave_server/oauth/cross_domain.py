"""A session handed to another domain of the same project: a code for it, without a way by the provider (contract 03 §6).

Asked for with both tokens of one session, so that whoever got hold of an access token alone cannot make a lasting session of it.
"""

from __future__ import annotations

from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection, ForeignKeyViolation
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import RedirectUrlNotWhitelisted, UserAuthenticationRequired
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.oauth import redirects
from hexclave_server.oauth.clients import NO_KEY, require_client_key
from hexclave_server.oauth.codes import issue_code
from hexclave_server.oauth.wire import CrossDomainRequest, text_or_none
from hexclave_server.sessions.service import find_session_of_token


async def authorize_other_domain(call: Call, request: CrossDomainRequest) -> str:
    """The URL that takes the caller's session to another domain.

    Raises UserAuthenticationRequired, PlainError 400 and 401, InvalidPublishableClientKey, PublishableClientKeyRequiredForProject,
    RedirectUrlNotWhitelisted.
    """
    user_id = await require_user(call)
    refresh_token = await require_own_session(call, user_id)
    await require_client_key(call.parts, call.project, call.request.protocol.get(b"publishable-client-key", NO_KEY))
    redirect_uri = redirects.without_fragment(request.redirect_uri)
    after = text_or_none(request.after_callback_redirect_url)
    require_trusted(call, redirect_uri)
    if after is not None:
        require_trusted(call, after)

    async def issue(conn: Connection) -> str:
        return await issue_code(
            conn,
            call.parts.keyring,
            call.tenancy,
            user_id=user_id,
            redirect_uri=redirect_uri,
            code_challenge=request.code_challenge,
            after_callback_redirect_url=after,
            refresh_token=refresh_token,
        )

    try:
        code = await call.db.write(issue)
    except ForeignKeyViolation:  # the user was deleted a moment ago
        raise UserAuthenticationRequired from None
    return redirects.with_parameters(redirect_uri, {"code": code, "state": request.state})


async def require_user(call: Call) -> str:
    """The user of the access token. Raises UserAuthenticationRequired."""
    user_id = await call.live_user_id()
    if user_id is None:
        raise UserAuthenticationRequired
    return user_id


async def require_own_session(call: Call, user_id: str) -> str:
    """The refresh token in the header, once it is seen to be of the session of the access token. Raises PlainError 400 and 401, RateLimited."""
    refresh_token = call.request.protocol.get(b"refresh-token")
    if refresh_token is None:
        raise PlainError(400, "Send the refresh token of the session in the header x-stack-refresh-token.")
    session = await find_session_of_token(call.db, call.tenancy, refresh_token)
    if session is None:
        await call.parts.throttles.count_failure(call.db, call.tenancy.id, WRONG_TOKENS_BY_ADDRESS.of(call.request.address))
    if session is None or session.id != call.session_id or session.user_id != user_id:
        raise PlainError(401, "The refresh token is not that of a live session which the access token belongs to.")
    return refresh_token


def require_trusted(call: Call, url: str) -> None:
    """Raises RedirectUrlNotWhitelisted."""
    if not redirects.may_receive_codes(url, call.config):
        raise RedirectUrlNotWhitelisted
