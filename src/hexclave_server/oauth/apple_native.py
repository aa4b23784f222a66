"""Sign in with Apple inside an application on a device, which brings Apple's identity token itself (contract 03 §7).

No flow, no code, no provider tokens. The contract lets users with a second factor in without it; here it is demanded as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.known_errors import (
    AppleBundleIdNotConfigured,
    InvalidAppleCredentials,
    OAuthProviderNotFoundOrNotEnabled,
    OAuthProviderTemporarilyUnavailable,
    UserEmailAlreadyExists,
)
from hexclave_server.oauth.account_resolution import ATTEMPTS, Claim, Resolved, sign_in
from hexclave_server.oauth.person import person_of
from hexclave_server.oauth.provider_config import endpoints_of, get_provider_entry
from hexclave_server.providers.oauth.provider import Profile, ProviderFailed, TemporarilyUnavailable
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor

APPLE = "apple"


async def sign_in_with_apple(call: Call, id_token: str) -> tuple[SignedIn | SecondFactorDue, bool]:
    """Signs in, or up, whom the identity token names; the outcome, and whether he is new.

    Raises OAuthProviderNotFoundOrNotEnabled, AppleBundleIdNotConfigured, InvalidAppleCredentials, OAuthProviderTemporarilyUnavailable and
    what `account_resolution.sign_in` raises.
    """
    entry = get_provider_entry(call.project, APPLE)
    if entry["allowSignIn"] is not True:
        raise OAuthProviderNotFoundOrNotEnabled
    profile = await _verified(call, id_token, require_bundle_ids(entry))
    try:
        person = person_of(Profile(account_id=profile.account_id, email=profile.email, email_verified=profile.email_verified))
    except ProviderFailed:
        raise InvalidAppleCredentials from None
    claim = Claim(provider_id=APPLE, person=person, end_user=call.end_user)

    async def work(conn: Connection) -> tuple[SignedIn | SecondFactorDue | None, Resolved]:
        # Begun with nobody's token, so nobody waits for a proof.
        resolved = cast("Resolved", await sign_in(conn, call.project, claim, is_proven=True))
        outcome = await finish_first_factor(
            conn, call.parts.keyring, call.tenancy, resolved.user_id, call.end_user, is_new_user=resolved.is_new_user
        )
        return outcome, resolved

    for _ in range(ATTEMPTS):
        try:
            outcome, resolved = await call.db.write(work)
        except (UniqueViolation, UserEmailAlreadyExists):  # another sign-in of the same person came first
            continue
        if outcome is not None:
            return outcome, resolved.is_new_user
    raise Unavailable(retry_after_seconds=1)


def require_bundle_ids(entry: Mapping[str, Any]) -> frozenset[str]:
    """The applications whose tokens count. Raises AppleBundleIdNotConfigured."""
    bundles = (bundle.get("bundleId") for bundle in (entry.get("appleBundles") or {}).values())
    bundle_ids = frozenset(bundle_id for bundle_id in bundles if bundle_id)
    if not bundle_ids:
        raise AppleBundleIdNotConfigured
    return bundle_ids


async def _verified(call: Call, id_token: str, bundle_ids: frozenset[str]) -> Profile:
    from hexclave_server.providers.oauth.apple import verify_apple_identity_token  # noqa: PLC0415 - see provider_config.provider_of

    ours = endpoints_of(call.settings, APPLE)
    try:
        return await verify_apple_identity_token(call.parts.outgoing, id_token, bundle_ids, issuer=ours.issuer, jwks_url=ours.jwks_url)
    except TemporarilyUnavailable:
        raise OAuthProviderTemporarilyUnavailable from None
    except ProviderFailed:
        raise InvalidAppleCredentials from None
