"""Access tokens: who may hold which, issued and verified (contract 01 §1).

Every user type of every project has an audience, an issuer and signing keys of its own, so that a token of one never passes for another.
Verification believes nothing before the signature; verified tokens are remembered by hash until they are evicted, and a remembered token
is still checked for its time and, when anything changed in the deployment, for its key.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Protocol

from hexclave_server.core import clock
from hexclave_server.core.jws import MAX_TOKEN_LENGTH, MalformedToken, PublicJwk, SigningKey, VerificationKey, parse
from hexclave_server.core.token_claims import (
    MAIN_BRANCH,
    USER_TYPES,
    AccessTokenClaims,
    RestrictedReason,
    TenancyOfToken,
    TokenUnparsable,
    TokenUser,
    UserType,
    audience,
    audience_of,
    consistent_claims,
    issuer,
    token_payload,
)

MAX_REMEMBERED: Final = 10_000


class TokenExpired(Exception):
    """A genuine access token whose time is over; the times are epoch milliseconds."""

    def __init__(self, claims: AccessTokenClaims) -> None:
        super().__init__("expired")
        self.expired_at_millis = claims.expires_at
        self.project_id = claims.project_id
        self.user_id = claims.user_id
        self.session_id = claims.session_id


class KeySource(Protocol):
    """Where signing keys come from; `sessions` implements it over the database, with a cache that follows `Database.generation`."""

    async def signing_key(self, tenancy: TenancyOfToken, user_type: UserType) -> SigningKey:
        """The key that signs for this audience now."""

    async def verification_keys(self, project_id: str, user_type: UserType) -> Sequence[VerificationKey] | None:
        """All keys whose tokens of this audience are good, also former and next ones; None for an unknown project. Must be cheap."""

    async def key_set(self, project_id: str, user_types: Sequence[UserType]) -> list[PublicJwk] | None:
        """The published keys of these audiences, two of each, the one that signs first; None for an unknown project."""


def generate_signing_keys() -> dict[UserType, tuple[SigningKey, SigningKey]]:
    """The six keys of a new project: for each user type the one that signs and the next one."""
    return {user_type: (SigningKey.generate(), SigningKey.generate()) for user_type in USER_TYPES}


class TokenIssuer:
    """Signs access tokens for `ttl_seconds`."""

    def __init__(self, keys: KeySource, public_url: str, ttl_seconds: int) -> None:
        self._keys = keys
        self._public_url = public_url
        self._ttl_seconds = ttl_seconds

    async def issue(self, tenancy: TenancyOfToken, user: TokenUser, session_id: str) -> str:
        """A new access token of this session, valid from now for the configured lifetime."""
        user_type = user.type
        key = await self._keys.signing_key(tenancy, user_type)
        issued_at = clock.now_millis() // 1000
        return key.sign(token_payload(self._public_url, tenancy, user, session_id, issued_at, issued_at + self._ttl_seconds))


class _Remembered:
    """A verified token: its claims, its key, and the generation of the deployment in which that key was last seen to be good."""

    __slots__ = ("claims", "generation", "kid")

    def __init__(self, claims: AccessTokenClaims, kid: str, generation: int) -> None:
        self.claims = claims
        self.kid = kid
        self.generation = generation


class TokenVerifier:
    """Verifies access tokens of this deployment; remembers the last 10,000 good ones.

    `generation` is `Database.generation`: it changes when keys may have changed anywhere, so that a token of a key that was withdrawn
    (rotation after a compromise) is refused by every worker without any message between them.
    """

    def __init__(
        self, keys: KeySource, public_url: str, generation: Callable[[], int] = lambda: 0, max_remembered: int = MAX_REMEMBERED
    ) -> None:
        self._keys = keys
        self._public_url = public_url
        self._generation = generation
        self._max_remembered = max_remembered
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def verify(self, token: str) -> AccessTokenClaims:
        """The claims of a genuine, unexpired token; raises TokenUnparsable or TokenExpired (contract 01 §1.3 rows 1 to 3)."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenUnparsable("too long")
        try:
            digest = sha256(token.encode()).digest()
        except UnicodeEncodeError:
            raise TokenUnparsable("not text") from None
        remembered = self._remembered.get(digest)
        generation = self._generation()
        if remembered is None:
            remembered = await self._verify_signature(token, generation)
            self._remember(digest, remembered)
        else:
            self._remembered.move_to_end(digest)  # before anything is awaited: afterwards it may be gone
            if remembered.generation != generation:
                await self._confirm_key(digest, remembered, generation)
        claims = remembered.claims
        if claims.expires_at <= clock.now_millis():
            raise TokenExpired(claims)
        return claims

    def forget(self) -> None:
        """Drop every remembered token."""
        self._remembered.clear()

    def forget_key(self, kid: str) -> None:
        """Drop the remembered tokens of one signing key (it was withdrawn)."""
        for digest in [digest for digest, remembered in self._remembered.items() if remembered.kid == kid]:
            del self._remembered[digest]

    def _remember(self, digest: bytes, remembered: _Remembered) -> None:
        self._remembered[digest] = remembered
        if len(self._remembered) > self._max_remembered:
            self._remembered.popitem(last=False)

    async def _confirm_key(self, digest: bytes, remembered: _Remembered, generation: int) -> None:
        claims = remembered.claims
        keys = await self._keys.verification_keys(claims.project_id, claims.user_type)
        if keys is None or all(key.kid != remembered.kid for key in keys):
            self._remembered.pop(digest, None)
            raise TokenUnparsable("its key was withdrawn", project_unknown=keys is None)
        remembered.generation = generation

    async def _verify_signature(self, token: str, generation: int) -> _Remembered:
        try:
            parsed = parse(token)
        except MalformedToken as defect:
            raise TokenUnparsable(str(defect)) from None
        project_id, user_type = audience_of(parsed.claims)
        keys = await self._keys.verification_keys(project_id, user_type)
        if keys is None:
            raise TokenUnparsable("unknown project", project_unknown=True)
        key = next((key for key in keys if key.kid == parsed.kid), None)
        if key is None:
            raise TokenUnparsable("not a key of its audience")
        if not key.accepts(parsed.signed, parsed.signature):
            raise TokenUnparsable("signature")
        if parsed.claims.get("iss") != issuer(self._public_url, project_id, user_type):
            raise TokenUnparsable("issuer")
        return _Remembered(consistent_claims(parsed.claims, project_id, user_type), key.kid, generation)


__all__ = [
    "MAIN_BRANCH",
    "USER_TYPES",
    "AccessTokenClaims",
    "KeySource",
    "PublicJwk",
    "RestrictedReason",
    "SigningKey",
    "TenancyOfToken",
    "TokenExpired",
    "TokenIssuer",
    "TokenUnparsable",
    "TokenUser",
    "TokenVerifier",
    "UserType",
    "VerificationKey",
    "audience",
    "generate_signing_keys",
    "issuer",
]
