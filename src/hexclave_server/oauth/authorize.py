"""The start of a sign-in with a provider: small checks in the order of contract 03 §2, then a flow and the way to the provider.

Errors are answered directly: nothing is known to be trusted yet, so nobody is sent anywhere.
"""

from __future__ import annotations

import msgspec

from hexclave_server.core.context import Call, Project
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Request
from hexclave_server.core.known_errors import (
    AccessTokenExpired,
    InvalidOAuthClientIdOrSecret,
    OAuthExtraScopeNotAvailableWithSharedOAuthKeys,
    OAuthProviderTemporarilyUnavailable,
    RedirectUrlNotWhitelisted,
    SchemaError,
    UnparsableAccessToken,
)
from hexclave_server.core.log import logger
from hexclave_server.core.tokens import AccessTokenClaims, TokenExpired, TokenUnparsable
from hexclave_server.oauth import redirects
from hexclave_server.oauth.clients import find_client, require_client_key
from hexclave_server.oauth.flows import LONGEST_FLOW, Flow, FlowTooLong, add_flow, new_secret
from hexclave_server.oauth.provider_config import credentials_of, provider_of
from hexclave_server.oauth.wire import AuthorizeQuery, text_or_none
from hexclave_server.providers.oauth.provider import Provider, ProviderFailed, TemporarilyUnavailable

_PARAMETERS = frozenset(AuthorizeQuery.__struct_fields__)


class Start(msgspec.Struct, frozen=True):
    """Where the browser goes, the state that it carries, and whether it must show a cookie when it comes back."""

    url: str
    inner_state: str
    needs_cookie: bool


async def start_flow(call: Call, provider_id: str, query: AuthorizeQuery) -> Start:
    """Keeps what the application asks for, and says where to send the browser.

    Raises SchemaError, InvalidOAuthClientIdOrSecret, InvalidPublishableClientKey, PublishableClientKeyRequiredForProject,
    OAuthProviderNotFoundOrNotEnabled, RedirectUrlNotWhitelisted, OAuthExtraScopeNotAvailableWithSharedOAuthKeys, AccessTokenExpired,
    UnparsableAccessToken, OAuthProviderTemporarilyUnavailable, and PlainError 400 and 403.
    """
    require_no_repetition(call.request)
    project = await get_client(call, query.client_id)
    await require_client_key(call.parts, project, query.client_secret)
    credentials = credentials_of(call.settings, project, provider_id)
    require_token_for_link(query)
    require_trusted_return(query, project)
    # A bot challenge is asked for here, once there are some.
    require_own_keys_for_scopes(query, is_shared=credentials.is_shared)
    claims = await find_claims(call, project, query.token)

    flow = _flow(project, query, claims)
    inner_state = new_secret()
    url = await _authorization_url(provider_of(call, credentials), flow, inner_state)
    try:
        await call.db.write(lambda conn: add_flow(conn, call.parts.keyring, project, provider_id, inner_state, flow))
    except FlowTooLong:
        raise SchemaError(text=f"the query is too long: {LONGEST_FLOW} bytes are kept at most") from None
    return Start(url, inner_state, flow.needs_cookie)


def require_no_repetition(request: Request) -> None:
    """Raises SchemaError when a parameter of the endpoint occurs twice (RFC 6749 §3.1): two readers might believe different ones."""
    names = [name for name, _ in request.query_pairs() if name in _PARAMETERS]
    if len(names) != len(set(names)):
        raise SchemaError(text="a parameter of the query is repeated")


async def get_client(call: Call, client_id: str) -> Project:
    """The project that is the client. Raises InvalidOAuthClientIdOrSecret."""
    project = await find_client(call.parts, client_id)
    if project is None:
        raise InvalidOAuthClientIdOrSecret(client_id=client_id)
    return project


def require_token_for_link(query: AuthorizeQuery) -> None:
    """Raises PlainError 400: an account is linked to somebody."""
    if query.type == "link" and not query.token:
        raise PlainError(400, "To link an account, send the access token of the signed-in user as `token`.")


def require_trusted_return(query: AuthorizeQuery, project: Project) -> None:
    """Raises RedirectUrlNotWhitelisted for a page after the callback that the project does not trust."""
    after = text_or_none(query.after_callback_redirect_url)
    if after is not None and not redirects.may_receive_errors(after, project.config):
        raise RedirectUrlNotWhitelisted


def require_own_keys_for_scopes(query: AuthorizeQuery, *, is_shared: bool) -> None:
    """Raises OAuthExtraScopeNotAvailableWithSharedOAuthKeys: what shared keys may ask for is the operator's matter."""
    if text_or_none(query.provider_scope) and is_shared:
        raise OAuthExtraScopeNotAvailableWithSharedOAuthKeys


async def find_claims(call: Call, project: Project, token: str) -> AccessTokenClaims | None:
    """Whose the access token is, whoever he is in this project; None without a token.

    Raises AccessTokenExpired, UnparsableAccessToken, and PlainError 403 for a token of another project.
    """
    if not token:
        return None
    try:
        claims = await call.parts.token_verifier.verify(token)
    except TokenExpired as expired:
        raise AccessTokenExpired(
            expired_at_millis=expired.expired_at_millis,
            project_id=expired.project_id,
            user_id=expired.user_id,
            refresh_token_id=expired.session_id,
        ) from None
    except TokenUnparsable:
        raise UnparsableAccessToken from None
    if claims.project_id != project.id:
        raise PlainError(403, "The access token belongs to another project.")
    return claims


def _flow(project: Project, query: AuthorizeQuery, claims: AccessTokenClaims | None) -> Flow:
    error_redirect = text_or_none(query.error_redirect_uri) or text_or_none(query.error_redirect_url)
    return Flow(
        project_id=project.id,
        client_secret=query.client_secret,
        type=query.type,
        redirect_uri=redirects.without_fragment(query.redirect_uri),
        scope=query.scope,
        state=query.state,
        response_type=query.response_type,
        code_challenge=query.code_challenge,
        provider_code_verifier=new_secret(),
        provider_nonce=new_secret(),
        user_id=None if claims is None else claims.user_id,
        session_id=None if claims is None else claims.session_id,
        extra_scopes=tuple((text_or_none(query.provider_scope) or "").split()),
        error_redirect_uri=error_redirect,
        after_callback_redirect_url=text_or_none(query.after_callback_redirect_url),
        needs_cookie="json" not in (query.stack_response_mode, query.hexclave_response_mode),
    )


async def _authorization_url(provider: Provider, flow: Flow, inner_state: str) -> str:
    """Raises OAuthProviderTemporarilyUnavailable, or PlainError 500 when the provider's own description of itself is of no use."""
    try:
        return await provider.authorization_url(flow.authorization(inner_state))
    except TemporarilyUnavailable:
        raise OAuthProviderTemporarilyUnavailable from None
    except ProviderFailed as failure:
        logger().warning("provider failed", step="discovery", reason=failure.reason)
        raise PlainError(500, "The sign-in provider cannot be used as it is configured.") from None
