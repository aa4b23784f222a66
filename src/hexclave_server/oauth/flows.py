"""A browser on its way to a provider and back (contract 03 §2, "State stored server-side").

What the application asked for waits here, encrypted, under the hash of a random state that only the browser carries. A flow leads back
once: whoever comes second with its state is refused before the provider is asked.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Project
from hexclave_server.core.crypto import DecryptionFailed, Keyring, hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.oauth import flow_queries as queries
from hexclave_server.oauth.flow_queries import FlowRow
from hexclave_server.providers.oauth.provider import Authorization

LIFETIME_MILLIS = 10 * 60 * 1000
KEPT_AFTER_EXPIRY_MILLIS = 60 * 60 * 1000
"""For so long a browser that comes late is told so, and sent back to its application."""
LONGEST_FLOW = 8 * 1024
"""In bytes: anybody can start flows, and each is kept for an hour."""
_PURPOSE = "oauth-flow"


class FlowTooLong(Exception):
    """What the application asks for is longer than a URL of the web should be."""


class Flow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the application asked for, and what we sent along to the provider."""

    project_id: str
    client_secret: str
    type: Literal["authenticate", "link"]
    redirect_uri: str
    scope: str
    state: str
    response_type: str
    code_challenge: str
    provider_code_verifier: str
    provider_nonce: str
    user_id: str | None = None
    session_id: str | None = None
    extra_scopes: tuple[str, ...] = ()
    error_redirect_uri: str | None = None
    after_callback_redirect_url: str | None = None
    needs_cookie: bool = True

    def authorization(self, inner_state: str) -> Authorization:
        """What goes to the provider, and is checked against what comes back."""
        return Authorization(
            state=inner_state, code_verifier=self.provider_code_verifier, nonce=self.provider_nonce, extra_scopes=self.extra_scopes
        )


class FoundFlow(msgspec.Struct, frozen=True):
    """A flow that a state led to. `provider_id` is the one that it was started with."""

    state: str
    tenancy_id: str
    provider_id: str
    flow: Flow
    expires_at: int

    @property
    def is_over(self) -> bool:
        """Whether its ten minutes have passed."""
        return self.expires_at <= clock.now_millis()


def new_secret() -> str:
    """43 random characters of base64url: states, PKCE verifiers (RFC 7636 §4.1) and nonces."""
    return base64.urlsafe_b64encode(randomness.token_bytes(32)).rstrip(b"=").decode("ascii")


async def add_flow(conn: Connection, keyring: Keyring, project: Project, provider_id: str, inner_state: str, flow: Flow) -> None:
    """Keeps a flow for ten minutes under its state. Part of the caller's transaction. Raises FlowTooLong."""
    encoded = msgspec.json.encode(flow)
    if len(encoded) > LONGEST_FLOW:
        raise FlowTooLong
    state_hash = hash_secret(inner_state)
    sealed = keyring.encrypt(encoded, purpose=_PURPOSE, tenancy_id=project.tenancy.id, row_id=state_hash)
    now = clock.now_millis()
    await conn.execute(
        queries.INSERT_FLOW,
        tenancy_id=project.tenancy.id,
        state_hash=state_hash,
        provider_id=provider_id,
        sealed_flow=sealed,
        now=now,
        expires_at=now + LIFETIME_MILLIS,
    )


async def find_flow(conn: Connection, keyring: Keyring, inner_state: str) -> FoundFlow | None:
    """The flow with this state, also one that is over or was used; None for a state that nobody was given."""
    state_hash = hash_secret(inner_state)
    row = await conn.first(FlowRow, queries.FIND_FLOW, state_hash=state_hash)
    if row is None:
        return None
    try:
        opened: Any = keyring.decrypt(row.sealed_flow, purpose=_PURPOSE, tenancy_id=row.tenancy_id, row_id=state_hash)
    except DecryptionFailed:
        return None
    return FoundFlow(inner_state, row.tenancy_id, row.provider_id, msgspec.json.decode(opened, type=Flow), row.expires_at)


async def claim_flow(conn: Connection, found: FoundFlow) -> bool:
    """Uses the flow up; False when somebody has been here before."""
    state_hash = hash_secret(found.state)
    claimed = await conn.execute(queries.CLAIM_FLOW, tenancy_id=found.tenancy_id, state_hash=state_hash, now=clock.now_millis())
    return claimed == 1


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 flows that were over an hour ago, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(queries.PURGE_FLOWS, before=clock.now_millis() - KEPT_AFTER_EXPIRY_MILLIS)
