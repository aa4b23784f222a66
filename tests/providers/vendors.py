"""Providers whose vendors are a server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.providers.oauth.provider import Authorization, Credentials, Provider
from hexclave_server.providers.oauth.registry import make_provider
from tests.providers.outside import LOOPBACK, Outside

VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
ATTEMPT = Authorization(state="inner-state", code_verifier=VERIFIER, nonce="nonce-1")
REDIRECT_URI = "https://auth.example.com/api/v1/auth/oauth/callback/"
CREDENTIALS = Credentials(
    provider_id="", type="", client_id="client", client_secret="se:cr et~", is_shared=False, redirect_uri=REDIRECT_URI
)


def credentials(kind: str, outside: Outside | None = None, **changed: Any) -> Credentials:
    """Credentials for a type; all URLs are the server's, whose issuer has the name of its URL."""
    urls = (
        {}
        if outside is None
        else {
            "authorize_url": f"{outside.url}/authorize",
            "token_url": f"{outside.url}/token",
            "userinfo_url": f"{outside.url}/me",
            "issuer": outside.url,
            "jwks_url": f"{outside.url}/keys",
        }
    )
    return msgspec.structs.replace(CREDENTIALS, provider_id=kind, type=kind, redirect_uri=REDIRECT_URI + kind, **(urls | changed))


def issuer_credentials(outside: Outside, **changed: Any) -> Credentials:
    """Credentials at the issuer that the server is."""
    return msgspec.structs.replace(credentials("oidc"), issuer=outside.url, **changed)


def discovery(outside: Outside, **changed: Any) -> dict[str, Any]:
    """What the server says of itself as an issuer; None leaves a member out."""
    document = {
        "issuer": outside.url,
        "authorization_endpoint": f"{outside.url}/authorize",
        "token_endpoint": f"{outside.url}/token",
        "jwks_uri": f"{outside.url}/keys",
        "userinfo_endpoint": f"{outside.url}/me",
        "response_types_supported": ["code"],
        **changed,
    }
    return {name: value for name, value in document.items() if value is not None}


def with_provider(found: Credentials, work: Callable[[Provider], Awaitable[Any]]) -> Any:
    """What the work gives with a provider for these credentials, in an event loop of its own."""

    async def run() -> Any:
        client = OutgoingClient(LOOPBACK)
        try:
            return await work(make_provider(found, client))
        finally:
            await client.close()

    return asyncio.run(run())


async def come_back(provider: Provider, parameters: dict[str, str] | None = None) -> Any:
    """The profile of the person who comes back with a code."""
    tokens = await provider.exchange_code(parameters or {"code": "the-code"}, ATTEMPT)
    return await provider.fetch_profile(tokens, ATTEMPT)
