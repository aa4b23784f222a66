"""The endpoints of our own OAuth server: a way to a provider and back, and tokens (contract 03 §2 to §7)."""

from __future__ import annotations

import typing

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, PUBLIC, RawBody, endpoint
from hexclave_server.core.errors import KnownError, PlainError
from hexclave_server.core.http import NO_STORE, Response, json_response
from hexclave_server.core.known_errors import (
    AccessTokenExpired,
    AppleBundleIdNotConfigured,
    ContactChannelAlreadyUsedForAuthBySomeoneElse,
    InvalidAppleCredentials,
    InvalidAuthorizationCode,
    InvalidOAuthClientIdOrSecret,
    InvalidPublishableClientKey,
    MultiFactorAuthenticationRequired,
    OAuthConnectionAlreadyConnectedToAnotherUser,
    OAuthExtraScopeNotAvailableWithSharedOAuthKeys,
    OAuthProviderAccessDenied,
    OAuthProviderNotFoundOrNotEnabled,
    OAuthProviderTemporarilyUnavailable,
    OuterOAuthTimeout,
    PublishableClientKeyRequiredForProject,
    RedirectUrlNotWhitelisted,
    RefreshTokenNotFoundOrExpired,
    SignUpNotEnabled,
    UnparsableAccessToken,
    UserAuthenticationRequired,
)
from hexclave_server.core.limits import CHECK_SECRET, WRITE
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.oauth import browser_answers, callback, redirects, token
from hexclave_server.oauth.apple_native import sign_in_with_apple
from hexclave_server.oauth.authorize import start_flow
from hexclave_server.oauth.callback_parameters import read_parameters
from hexclave_server.oauth.cross_domain import authorize_other_domain
from hexclave_server.oauth.exchange import exchange_authorization_code
from hexclave_server.oauth.wire import (
    AppleIdentityToken,
    AuthorizeQuery,
    CallbackQuery,
    CrossDomainRequest,
    ProviderLocation,
    ProviderPath,
    RedirectTarget,
    TokenAnswer,
    TokenRequest,
)
from hexclave_server.sessions import first_factor
from hexclave_server.sessions.service import REFRESH
from hexclave_server.sessions.wire import SignedInUser

_TAGS = ["Oauth"]
_NOT_STORED = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]  # RFC 6749 §5.1
_KEY_ERRORS = [InvalidPublishableClientKey, PublishableClientKeyRequiredForProject]
_ACCOUNT_ERRORS = [ContactChannelAlreadyUsedForAuthBySomeoneElse, SignUpNotEnabled, OAuthProviderTemporarilyUnavailable]
_WAITING_ERRORS = [ContactChannelAlreadyUsedForAuthBySomeoneElse, OAuthConnectionAlreadyConnectedToAnotherUser, SignUpNotEnabled]
_CALLBACK_ERRORS = [
    OuterOAuthTimeout,
    OAuthProviderNotFoundOrNotEnabled,
    *_KEY_ERRORS,
    OAuthProviderAccessDenied,
    RedirectUrlNotWhitelisted,
    OAuthConnectionAlreadyConnectedToAnotherUser,
    *_ACCOUNT_ERRORS,
]


@endpoint(
    "GET /auth/oauth/authorize/{provider_id}",
    access=PUBLIC,
    limit=WRITE,
    tags=_TAGS,
    returns=ProviderLocation,
    other_statuses=[307],
    errors=[
        InvalidOAuthClientIdOrSecret,
        *_KEY_ERRORS,
        OAuthProviderNotFoundOrNotEnabled,
        RedirectUrlNotWhitelisted,
        OAuthExtraScopeNotAvailableWithSharedOAuthKeys,
        AccessTokenExpired,
        UnparsableAccessToken,
        OAuthProviderTemporarilyUnavailable,
    ],
)
async def authorize(call: Call, path: ProviderPath, query: AuthorizeQuery) -> Response:
    """Sends a browser to a provider, to sign in or to link an account"""
    try:
        start = await start_flow(call, path.provider_id, query)
    except (KnownError, PlainError) as error:
        return browser_answers.directly(call.request, error)
    if not start.needs_cookie:
        return json_response(ProviderLocation(location=start.url))
    cookie = browser_answers.set_cookie(start.inner_state, secure=call.settings.public_url.startswith("https:"))
    return Response(307, b"", [NO_STORE, (b"location", redirects.location(start.url)), cookie])


async def _come_back(call: Call, path: ProviderPath, raw_body: RawBody) -> Response:
    try:
        parameters = read_parameters(call.request, raw_body)
        back = await callback.get_return(call, parameters.get("state"))
    except PlainError as error:
        return browser_answers.directly(call.request, error)
    try:
        callback.require_own_browser(call, back)
        answer = browser_answers.with_code(await callback.finish_flow(call, back, path.provider_id, parameters))
    except KnownError as error:
        answer = browser_answers.with_known_error(call.request, error, back)
    except PlainError as error:
        answer = browser_answers.directly(call.request, error)
    if back.flow.needs_cookie:
        answer.headers.append(browser_answers.delete_cookie(back.found.state))
    return answer


@endpoint("GET /auth/oauth/callback/{provider_id}", access=PUBLIC, limit=WRITE, tags=_TAGS, status=303, errors=_CALLBACK_ERRORS)
async def come_back(call: Call, path: ProviderPath, query: CallbackQuery, raw_body: RawBody) -> Response:
    """Where a provider sends the browser back to; sends it on to the application with a code"""
    del query  # declared for its documentation
    return await _come_back(call, path, raw_body)


@endpoint("POST /auth/oauth/callback/{provider_id}", access=PUBLIC, limit=WRITE, tags=_TAGS, status=303, errors=_CALLBACK_ERRORS)
async def come_back_by_form(call: Call, path: ProviderPath, query: CallbackQuery, raw_body: RawBody) -> Response:
    """The same for providers that send a form"""
    del query  # declared for its documentation
    return await _come_back(call, path, raw_body)


@endpoint(
    "POST /auth/oauth/callback/apple/native",
    access=CLIENT,
    limit=CHECK_SECRET,
    tags=_TAGS,
    errors=[
        OAuthProviderNotFoundOrNotEnabled,
        AppleBundleIdNotConfigured,
        InvalidAppleCredentials,
        *_ACCOUNT_ERRORS,
        MultiFactorAuthenticationRequired,
    ],
)
async def sign_in_with_apple_on_device(call: Call, body: AppleIdentityToken) -> SignedInUser:
    """Signs a user in, or a new one up, with an identity token that an application on a device got from Apple"""
    outcome, is_new_user = await sign_in_with_apple(call, body.id_token)
    tokens = await first_factor.tokens_of(call.parts, call.project, outcome)
    user_id = typing.cast("first_factor.SignedIn", outcome).subject.id
    return SignedInUser(refresh_token=tokens.refresh_token, access_token=tokens.access_token, is_new_user=is_new_user, user_id=user_id)


@endpoint(
    "POST /auth/oauth/cross-domain/authorize",
    access=CLIENT,
    limit=WRITE,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=_TAGS,
    errors=[UserAuthenticationRequired, *_KEY_ERRORS, RedirectUrlNotWhitelisted],
)
async def hand_on_session(call: Call, body: CrossDomainRequest) -> RedirectTarget:
    """A code that takes the caller's session to another trusted domain of the project"""
    return RedirectTarget(redirect_url=await authorize_other_domain(call, body))


@endpoint(
    "POST /auth/oauth/token",
    access=PUBLIC,
    limit=REFRESH,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=_TAGS,
    returns=TokenAnswer,
    errors=[
        InvalidOAuthClientIdOrSecret,
        PublishableClientKeyRequiredForProject,
        RefreshTokenNotFoundOrExpired,
        InvalidAuthorizationCode,
        *_WAITING_ERRORS,
        MultiFactorAuthenticationRequired,
    ],
)
async def exchange_token(call: Call, body: TokenRequest, raw_body: RawBody) -> Response:
    """Tokens for an authorization code, or a fresh access token for a refresh token"""
    token.require_no_repetition(raw_body)
    project = await token.authenticate_client(call, body)
    exchange = token.exchange_refresh_token if body.grant_type == "refresh_token" else exchange_authorization_code
    return json_response(await exchange(call, project, body), headers=[*_NOT_STORED])


ENDPOINTS = [authorize, come_back, come_back_by_form, sign_in_with_apple_on_device, hand_on_session, exchange_token]
