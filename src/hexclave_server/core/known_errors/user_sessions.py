"""Errors of end users' tokens and sessions (contract 00, "User sessions").

SDKs act on the groups: any `InvalidAccessToken` makes them refresh and repeat, any `RefreshTokenError` at a refresh signs the user out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core.errors import KnownError


class SessionAuthenticationError(KnownError):
    """Group: something about the user's session."""


class InvalidSessionAuthentication(SessionAuthenticationError):
    """Group: the session's credentials are wrong."""


class InvalidAccessToken(InvalidSessionAuthentication):
    """Group: something is wrong with the access token; a fresh one may help."""


class UnparsableAccessToken(InvalidAccessToken, code="UNPARSABLE_ACCESS_TOKEN", status=401):
    """Not a token that this server signed for this use (contract 01)."""

    message = "The access token is not valid. Refresh the session and send the new token."


class AccessTokenExpired(InvalidAccessToken, code="ACCESS_TOKEN_EXPIRED", status=401):
    """The access token is past its time; what is known of it goes along."""

    expired_at_millis: int | None
    project_id: str | None
    user_id: str | None
    refresh_token_id: str | None
    message = "The access token has expired. Refresh the session and send the new token."


class InvalidProjectForAccessToken(InvalidAccessToken, code="INVALID_PROJECT_FOR_ACCESS_TOKEN", status=401):
    """The access token is of another project than the request."""

    expected_project_id: str
    actual_project_id: str

    @property
    def message(self) -> str:
        """Names both projects."""
        return f"The access token is of project {self.actual_project_id}, the request of project {self.expected_project_id}."


class AnonymousAuthenticationNotAllowed(KnownError, code="ANONYMOUS_AUTHENTICATION_NOT_ALLOWED", status=401):
    """An anonymous user's token without the header that allows it."""

    message = "The access token is of an anonymous user. Send x-stack-allow-anonymous-user: true if anonymous users may do this."


class RestrictedUserNotAllowed(KnownError, code="RESTRICTED_USER_NOT_ALLOWED", status=403):
    """A restricted user's token without a header that allows it; `restricted_reason` is `{"type": …}`."""

    restricted_reason: Mapping[str, Any]
    message = "The user may not use the application yet; `restricted_reason` says why. Send x-stack-allow-restricted-user: true to let him."


class UserAuthenticationRequired(KnownError, code="USER_AUTHENTICATION_REQUIRED", status=401):
    """The endpoint needs a signed-in user."""

    message = "A signed-in user is needed. Send his access token in the header x-stack-access-token."


class CannotGetOwnUserWithoutUser(KnownError, code="CANNOT_GET_OWN_USER_WITHOUT_USER", status=400):
    """`me` in a request without a user."""

    message = "`me` means the signed-in user, and nobody is signed in. Send an access token in the header x-stack-access-token."


class RefreshTokenError(KnownError):
    """Group: the session cannot go on."""


class RefreshTokenNotFoundOrExpired(RefreshTokenError, code="REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED", status=401):
    """The session is unknown, ended or expired, or its user deleted."""

    message = "The session does not exist any more: it was signed out, revoked, or has expired. Sign in again."


class CannotDeleteCurrentSession(RefreshTokenError, code="CANNOT_DELETE_CURRENT_SESSION", status=400):
    """The session to delete is the one that the request is made with."""

    message = "This is the session of the request itself. Sign out to end it."


class ProviderRejected(RefreshTokenError, code="PROVIDER_REJECTED", status=401):
    """In the catalogue, but no endpoint answers with it."""

    message = "The sign-in provider does not accept its refresh token any more. Sign in with the provider again."
