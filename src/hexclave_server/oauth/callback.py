"""The way back from a provider: small checks in the order of contract 03 §3, then a user, and a code for his application.

The provider is asked between two transactions: one uses the flow up, so that a replayed way back ends before the provider hears of it; the
other resolves the account, keeps the provider's tokens and issues the code, all or nothing. What the provider said reaches neither the
client nor the log.

What a user would gain whose token the flow was begun with waits in the code (see `arrivals`): this browser may be another person's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from hexclave_server.core.context import Call, Project
from hexclave_server.core.db import Connection, ForeignKeyViolation, UniqueViolation
from hexclave_server.core.errors import PlainError, Unavailable
from hexclave_server.core.known_errors import (
    OAuthProviderAccessDenied,
    OAuthProviderTemporarilyUnavailable,
    OuterOAuthTimeout,
    RedirectUrlNotWhitelisted,
    UserEmailAlreadyExists,
)
from hexclave_server.core.log import logger
from hexclave_server.oauth import arrivals, redirects
from hexclave_server.oauth.account_resolution import ATTEMPTS, Claim, Resolved, Waiting
from hexclave_server.oauth.clients import require_client_key
from hexclave_server.oauth.codes import issue_code
from hexclave_server.oauth.flows import Flow, FoundFlow, claim_flow, find_flow
from hexclave_server.oauth.person import Person, person_of
from hexclave_server.oauth.provider_config import credentials_of, hands_on_tokens, provider_of
from hexclave_server.oauth.token import SCOPE
from hexclave_server.providers.oauth.provider import (
    AccessDenied,
    CodeRefused,
    Provider,
    ProviderFailed,
    ProviderTokens,
    TemporarilyUnavailable,
)

COOKIE_PREFIX: Final = "stack-oauth-inner-"
_PRINTABLE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.5


class Return(msgspec.Struct, frozen=True):
    """A browser on its way back: its flow, and the project that it belongs to."""

    found: FoundFlow
    project: Project

    @property
    def flow(self) -> Flow:
        """What the application asked for."""
        return self.found.flow


async def get_return(call: Call, inner_state: str | None) -> Return:
    """The flow that the browser comes back with. Raises PlainError 400 for a state that nobody was given."""
    found = await find_flow(call.db, call.parts.keyring, inner_state) if inner_state else None
    project = None if found is None else await call.parts.directory.find_project(found.flow.project_id)
    if found is None or project is None or project.tenancy.id != found.tenancy_id:
        raise PlainError(400, "This sign-in is not known, or was finished long ago. Go back to the application and start again.")
    return Return(found, project)


def require_own_browser(call: Call, back: Return) -> None:
    """Raises PlainError 400 in a browser that did not begin this flow: a stranger's way back must not sign anybody in."""
    if back.flow.needs_cookie and _cookie(call, COOKIE_PREFIX + back.found.state) != "true":
        logger().warning("sign-in finished in another browser", provider=back.found.provider_id, project=back.project.id)
        raise PlainError(400, "This sign-in was not started in this browser, or its cookies are blocked. Start again in the application.")


async def finish_flow(call: Call, back: Return, provider_id: str, parameters: Mapping[str, str]) -> str:
    """The URL that takes a code to the application.

    Raises the known errors of contract 03 §3.1, and PlainError 400 and 500.
    """
    flow, project = back.flow, back.project
    require_in_time(back.found)
    credentials = credentials_of(call.settings, project, provider_id)
    await require_client_key(call.parts, project, flow.client_secret)
    await use_up(call, back.found)
    require_same_provider(back.found, provider_id)

    provider = provider_of(call, credentials)
    tokens, person = await _ask(provider, back, parameters)
    if not redirects.may_receive_codes(flow.redirect_uri, project.config):
        raise RedirectUrlNotWhitelisted
    require_answerable(flow)
    scopes = list(dict.fromkeys((*provider.base_scopes, *flow.extra_scopes)))
    kept = tokens if hands_on_tokens(call.settings, is_shared=credentials.is_shared) else None
    code = await _issue_code(call, back, person, kept, scopes)
    return redirects.with_parameters(flow.redirect_uri, {"code": code, "state": flow.state})


def require_in_time(found: FoundFlow) -> None:
    """Raises OuterOAuthTimeout."""
    if found.is_over:
        raise OuterOAuthTimeout


async def use_up(call: Call, found: FoundFlow) -> None:
    """Raises PlainError 400 when somebody came back with this state before."""
    if not await call.db.write(lambda conn: claim_flow(conn, found)):
        logger().warning("sign-in finished twice", provider=found.provider_id, project=found.flow.project_id)
        raise PlainError(400, "This sign-in was finished before. Go back to the application and start again.")


def require_same_provider(found: FoundFlow, provider_id: str) -> None:
    """Raises PlainError 400 where one provider answers for another (mix-up: RFC 9207 §1)."""
    if found.provider_id != provider_id:
        logger().warning("answer of another provider", provider=found.provider_id, project=found.flow.project_id)
        raise PlainError(400, "The answer is not that of the provider which was asked. Go back to the application and start again.")


def require_answerable(flow: Flow) -> None:
    """Raises PlainError 400 for what an application asked of us and does not exist, before anything is done for it."""
    if set(flow.scope.split()) != {SCOPE}:
        raise PlainError(400, f"The only scope is `{SCOPE}`.")
    if flow.response_type != "code":
        raise PlainError(400, "The only response_type is `code`.")
    if _PRINTABLE.fullmatch(flow.state) is None:
        raise PlainError(400, "The state must be printable ASCII, and not empty.")


async def _ask(provider: Provider, back: Return, parameters: Mapping[str, str]) -> tuple[ProviderTokens, Person]:
    """What the provider gives for the code, and who it says came. No transaction is open here."""
    authorization = back.flow.authorization(back.found.state)
    try:
        tokens = await provider.exchange_code(parameters, authorization)
        return tokens, person_of(await provider.fetch_profile(tokens, authorization))
    except CodeRefused as refusal:
        logger().warning("provider refused", provider=back.found.provider_id, project=back.project.id, reason=refusal.reason)
        raise PlainError(400, "The provider did not accept this sign-in. Go back to the application and start again.") from None
    except AccessDenied:
        raise OAuthProviderAccessDenied from None
    except TemporarilyUnavailable as failure:
        logger().warning("provider unavailable", provider=back.found.provider_id, project=back.project.id, reason=failure.reason)
        raise OAuthProviderTemporarilyUnavailable from None
    except ProviderFailed as failure:
        logger().error("provider failed", provider=back.found.provider_id, project=back.project.id, reason=failure.reason)
        raise PlainError(500, "The provider's answer could not be used. Try again, or tell the people who run the application.") from None


async def _issue_code(call: Call, back: Return, person: Person, tokens: ProviderTokens | None, scopes: list[str]) -> str:
    flow, project, keyring = back.flow, back.project, call.parts.keyring
    claim = Claim(
        provider_id=back.found.provider_id, person=person, end_user=call.end_user, begun_by=flow.user_id, begun_in=flow.session_id
    )
    arrival = arrivals.Arrival(type=flow.type, claim=claim, tokens=tokens, scopes=scopes)

    async def work(conn: Connection) -> str:
        resolved = await arrivals.settle(conn, keyring, project, arrival, is_proven=False)
        return await issue_code(
            conn,
            keyring,
            project.tenancy,
            user_id=resolved.user_id,
            redirect_uri=flow.redirect_uri,
            code_challenge=flow.code_challenge,
            after_callback_redirect_url=flow.after_callback_redirect_url,
            is_new_user=isinstance(resolved, Resolved) and resolved.is_new_user,
            arrival=arrivals.write(arrival) if isinstance(resolved, Waiting) else None,
        )

    for _ in range(ATTEMPTS):
        try:
            return await call.db.write(work)
        except (UniqueViolation, UserEmailAlreadyExists, ForeignKeyViolation):  # another sign-in, or a deletion, came first
            continue
    raise Unavailable(retry_after_seconds=1)


def _cookie(call: Call, name: str) -> str | None:
    for pair in (call.request.joined_header(b"cookie") or "").replace(",", ";").split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name:
            return value
    return None
