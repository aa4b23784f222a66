"""Access tokens: who may hold which, issued and verified (contract 01 §1).

Every user type of every project has an audience, an issuer and signing keys of its own, so that a token of one never passes for another.
Verification believes nothing before the signature; verified tokens are remembered by hash until they are evicted, and a remembered token
is still checked for its time and, when anything changed in the deployment, for its key.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, Protocol

import msgspec

from hexclave_server.core import clock
from hexclave_server.core.jws import MAX_TOKEN_LENGTH, MalformedToken, PublicJwk, SigningKey, VerificationKey, parse

UserType = Literal["normal", "restricted", "anonymous"]
RestrictedReason = Literal["anonymous", "email_not_verified", "restricted_by_administrator"]

USER_TYPES: Final[tuple[UserType, ...]] = ("normal", "restricted", "anonymous")
MAIN_BRANCH: Final = "main"
MAX_REMEMBERED: Final = 10_000

_AUDIENCE_SUFFIX: Final[dict[UserType, str]] = {"normal": "", "restricted": ":restricted", "anonymous": ":anon"}
_ISSUER_PATH: Final[dict[UserType, str]] = {
    "normal": "/api/v1/projects/",
    "restricted": "/api/v1/projects-restricted-users/",
    "anonymous": "/api/v1/projects-anonymous-users/",
}
_AUDIENCE = re.compile(r"([0-9a-zA-Z-]{1,64})(:restricted|:anon|)\Z")
_TYPE_OF_SUFFIX: Final[dict[str, UserType]] = {suffix: user_type for user_type, suffix in _AUDIENCE_SUFFIX.items()}
_RESTRICTED_REASONS: Final = ("anonymous", "email_not_verified", "restricted_by_administrator")
_CLOCK_SKEW_SECONDS: Final = 60  # nodes' clocks differ; a token of the node that is ahead must not be refused by the next


class TokenUnparsable(Exception):
    """No genuine access token of this deployment; `project_unknown` when its audience names a project that is not there."""

    def __init__(self, reason: str, *, project_unknown: bool = False) -> None:
        super().__init__(reason)
        self.project_unknown = project_unknown


class TokenExpired(Exception):
    """A genuine access token whose time is over; the times are epoch milliseconds."""

    def __init__(self, claims: "AccessTokenClaims") -> None:
        super().__init__("expired")
        self.expired_at_millis = claims.expires_at
        self.project_id = claims.project_id
        self.user_id = claims.user_id
        self.session_id = claims.session_id


class TenancyOfToken(Protocol):
    """What issuing needs to know of a tenancy (core.context.Tenancy has it)."""

    @property
    def id(self) -> str:
        """The tenancy's id."""

    @property
    def project_id(self) -> str:
        """The project's id, without suffix."""

    @property
    def branch_id(self) -> str:
        """The branch, `main`."""


class KeySource(Protocol):
    """Where signing keys come from; `sessions` implements it over the database, with a cache that follows `Database.generation`."""

    async def signing_key(self, tenancy: TenancyOfToken, user_type: UserType) -> SigningKey:
        """The key that signs for this audience now."""

    async def verification_keys(self, project_id: str, user_type: UserType) -> Sequence[VerificationKey] | None:
        """All keys whose tokens of this audience are good, also former and next ones; None for an unknown project. Must be cheap."""

    async def key_set(self, project_id: str, user_types: Sequence[UserType]) -> list[PublicJwk] | None:
        """The published keys of these audiences, two of each, the one that signs first; None for an unknown project."""


class TokenUser(msgspec.Struct, frozen=True, kw_only=True):
    """The user as a token states him: a snapshot at issue time; `restricted_reason` (a `RestrictedReason`) None = not restricted."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool
    selected_team_id: str | None
    signed_up_at: int
    is_anonymous: bool
    restricted_reason: str | None
    requires_totp_mfa: bool

    @property
    def type(self) -> UserType:
        """Which of the three audiences his tokens have."""
        if self.is_anonymous:
            return "anonymous"
        return "restricted" if self.restricted_reason is not None else "normal"


class AccessTokenClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified access token says; times are epoch milliseconds, `session_id` is the claim `refresh_token_id`."""

    user_id: str
    project_id: str
    branch_id: str
    session_id: str
    user_type: UserType
    restricted_reason: RestrictedReason | None
    issued_at: int
    expires_at: int

    @property
    def is_anonymous(self) -> bool:
        """Whether the token is of an anonymous user."""
        return self.user_type == "anonymous"

    @property
    def is_restricted(self) -> bool:
        """Whether the token is of a restricted user; anonymous ones are."""
        return self.user_type != "normal"


class _RestrictedReasonClaim(msgspec.Struct, frozen=True):
    type: str


class _Payload(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly the claims of contract 01 §1, in its order: clients exist that compare the whole set."""

    iss: str
    aud: str
    sub: str
    iat: int
    exp: int
    project_id: str
    branch_id: str
    refresh_token_id: str
    role: str = "authenticated"
    name: str | None
    email: str | None
    email_verified: bool
    selected_team_id: str | None
    signed_up_at: int
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: _RestrictedReasonClaim | None
    requires_totp_mfa: bool


def audience(project_id: str, user_type: UserType) -> str:
    """The claim `aud` of tokens of this project and user type."""
    return project_id + _AUDIENCE_SUFFIX[user_type]


def issuer(public_url: str, project_id: str, user_type: UserType) -> str:
    """The claim `iss`; `public_url` is the configured origin without a slash at its end."""
    return public_url + _ISSUER_PATH[user_type] + project_id


def generate_signing_keys() -> dict[UserType, tuple[SigningKey, SigningKey]]:
    """The six keys of a new project: for each user type the one that signs and the next one."""
    return {user_type: (SigningKey.generate(), SigningKey.generate()) for user_type in USER_TYPES}


_encode = msgspec.json.Encoder().encode


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
        reason = "anonymous" if user.is_anonymous else user.restricted_reason
        return key.sign(
            _encode(
                _Payload(
                    iss=issuer(self._public_url, tenancy.project_id, user_type),
                    aud=audience(tenancy.project_id, user_type),
                    sub=user.id,
                    iat=issued_at,
                    exp=issued_at + self._ttl_seconds,
                    project_id=tenancy.project_id,
                    branch_id=tenancy.branch_id,
                    refresh_token_id=session_id,
                    name=user.display_name,
                    email=user.primary_email,
                    email_verified=user.primary_email is not None and user.primary_email_verified,
                    selected_team_id=user.selected_team_id,
                    signed_up_at=user.signed_up_at // 1000,
                    is_anonymous=user.is_anonymous,
                    is_restricted=reason is not None,
                    restricted_reason=None if reason is None else _RestrictedReasonClaim(reason),
                    requires_totp_mfa=user.requires_totp_mfa,
                )
            )
        )


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
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        remembered = self._remembered.get(digest)
        generation = self._generation()
        if remembered is None:
            remembered = await self._verify_signature(token, generation)
            self._remember(digest, remembered)
        else:
            if remembered.generation != generation:
                await self._confirm_key(digest, remembered, generation)
            self._remembered.move_to_end(digest)
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
        project_id, user_type = _audience_of(parsed.claims)
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
        return _Remembered(_consistent_claims(parsed.claims, project_id, user_type), key.kid, generation)


def _audience_of(claims: dict[str, Any]) -> tuple[str, UserType]:
    aud = claims.get("aud")
    match = _AUDIENCE.match(aud) if isinstance(aud, str) else None
    if match is None:
        raise TokenUnparsable("audience")
    return match[1], _TYPE_OF_SUFFIX[match[2]]


def _consistent_claims(claims: dict[str, Any], project_id: str, user_type: UserType) -> AccessTokenClaims:
    """The claims as a struct; raises TokenUnparsable where they contradict each other or the audience (contract 01 §1.3 row 3)."""
    user_id, session_id = claims.get("sub"), claims.get("refresh_token_id")
    if not isinstance(user_id, str) or not isinstance(session_id, str):
        raise TokenUnparsable("no user or session")
    if claims.get("project_id") != project_id or claims.get("branch_id") != MAIN_BRANCH or claims.get("role") != "authenticated":
        raise TokenUnparsable("project, branch or role")
    if claims.get("is_anonymous") is not (user_type == "anonymous") or claims.get("is_restricted") is not (user_type != "normal"):
        raise TokenUnparsable("of another user type than its audience")
    issued_at, expires_at = _times(claims)
    return AccessTokenClaims(
        user_id=user_id,
        project_id=project_id,
        branch_id=MAIN_BRANCH,
        session_id=session_id,
        user_type=user_type,
        restricted_reason=_restricted_reason(claims, user_type),
        issued_at=issued_at * 1000,
        expires_at=expires_at * 1000,
    )


def _restricted_reason(claims: dict[str, Any], user_type: UserType) -> RestrictedReason | None:
    reason = claims.get("restricted_reason")
    if user_type == "normal":
        if reason is not None:
            raise TokenUnparsable("a reason without restriction")
        return None
    kind = reason.get("type") if isinstance(reason, dict) else None
    if kind not in _RESTRICTED_REASONS or (kind == "anonymous") is not (user_type == "anonymous"):
        raise TokenUnparsable("reason of the restriction")
    return kind  # type: ignore[no-any-return]  # one of the three literals


def _times(claims: dict[str, Any]) -> tuple[int, int]:
    issued_at, expires_at, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if type(issued_at) is not int or type(expires_at) is not int or type(not_before) is not int:
        raise TokenUnparsable("times")
    now = clock.now_millis() // 1000
    if expires_at <= issued_at or issued_at > now + _CLOCK_SKEW_SECONDS or not_before > now:
        raise TokenUnparsable("times")
    return issued_at, expires_at


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
