"""What access tokens say: exactly the claims of the contract when issued, and no contradiction when read (contract 01 §1).

Every user type of every project has an audience and an issuer of its own, so that a token of one never passes for another.
"""

import re
from typing import Any, Final, Literal, Protocol

import msgspec

from hexclave_server.core import clock

UserType = Literal["normal", "restricted", "anonymous"]
RestrictedReason = Literal["anonymous", "email_not_verified", "restricted_by_administrator"]

USER_TYPES: Final[tuple[UserType, ...]] = ("normal", "restricted", "anonymous")
MAIN_BRANCH: Final = "main"
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


_encode = msgspec.json.Encoder().encode


def token_payload(public_url: str, tenancy: TenancyOfToken, user: TokenUser, session_id: str, issued_at: int, expires_at: int) -> bytes:
    """The claims of a new token as JSON; times are epoch seconds."""
    user_type = user.type
    reason = "anonymous" if user.is_anonymous else user.restricted_reason
    return _encode(
        _Payload(
            iss=issuer(public_url, tenancy.project_id, user_type),
            aud=audience(tenancy.project_id, user_type),
            sub=user.id,
            iat=issued_at,
            exp=expires_at,
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


def audience_of(claims: dict[str, Any]) -> tuple[str, UserType]:
    """Project id and user type that the claim `aud` names; raises TokenUnparsable."""
    aud = claims.get("aud")
    match = _AUDIENCE.match(aud) if isinstance(aud, str) else None
    if match is None:
        raise TokenUnparsable("audience")
    return match[1], _TYPE_OF_SUFFIX[match[2]]


def consistent_claims(claims: dict[str, Any], project_id: str, user_type: UserType) -> AccessTokenClaims:
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
