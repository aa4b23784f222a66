"""Errors of OAuth, towards applications and towards providers (contract 00, "OAuth"; contract 03)."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class InvalidOAuthClientIdOrSecret(KnownError, code="INVALID_OAUTH_CLIENT_ID_OR_SECRET", status=400):
    """No such project, branch or key behind client id and secret."""

    client_id: str | None
    message = "The OAuth client id (the project id) or its secret (a publishable client key) is wrong."


class InvalidScope(KnownError, code="INVALID_SCOPE", status=400):
    """In the catalogue, but no endpoint answers with it. Has no details on the wire."""

    message = "The scope is not one that this server knows."


class InvalidAuthorizationCode(KnownError, code="INVALID_AUTHORIZATION_CODE", status=400):
    """Unknown, expired or used code, or one that was given for another grant."""

    message = "The authorization code is not valid: it is used once and within minutes. Start the sign-in again."


class OuterOAuthTimeout(KnownError, code="OUTER_OAUTH_TIMEOUT", status=408):
    """The provider sent the browser back after the flow had expired."""

    message = "Signing in with the provider took too long. Start it again."


class OAuthProviderNotFoundOrNotEnabled(KnownError, code="OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED", status=400):
    """The provider is not in the project's configuration."""

    message = "This project does not offer that sign-in provider. Enable it in the project's settings."


class OAuthProviderAccessDenied(KnownError, code="OAUTH_PROVIDER_ACCESS_DENIED", status=400):
    """The user or the provider refused."""

    message = "The provider, or you at the provider, did not give access. Start the sign-in again to retry."


class OAuthProviderTemporarilyUnavailable(KnownError, code="OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE", status=503):
    """The provider answers 429, 5xx or not at all."""

    message = "The sign-in provider does not answer at the moment. Try again later."


class OAuthConnectionNotConnectedToUser(KnownError, code="OAUTH_CONNECTION_NOT_CONNECTED_TO_USER", status=400):
    """The user has no such connected account."""

    message = "The user has no account at this provider connected. Connect one first."


class OAuthConnectionAlreadyConnectedToAnotherUser(KnownError, code="OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER", status=409):
    """The provider's account belongs to another user."""

    message = "This provider account is connected to another user already. Disconnect it there first."


class UserAlreadyConnectedToAnotherOAuthConnection(KnownError, code="USER_ALREADY_CONNECTED_TO_ANOTHER_OAUTH_CONNECTION", status=409):
    """In the catalogue, but no endpoint answers with it."""

    message = "The user has another account at this provider connected already. Disconnect it first."


class OAuthConnectionDoesNotHaveRequiredScope(KnownError, code="OAUTH_CONNECTION_DOES_NOT_HAVE_REQUIRED_SCOPE", status=400):
    """The connected account was not granted the scope that is asked for."""

    message = "The connected account was not granted this scope. Connect it again and ask for the scope."


class OAuthAccessTokenNotAvailable(KnownError, code="OAUTH_ACCESS_TOKEN_NOT_AVAILABLE", status=400):
    """The provider gives no fresh access token; `details_` says why."""

    provider: str
    details_: str

    @property
    def message(self) -> str:
        """Names the provider."""
        return f"{self.provider} gives no access token for the connected account: {self.details_} Connect the account again."


class OAuthExtraScopeNotAvailableWithSharedOAuthKeys(KnownError, code="OAUTH_EXTRA_SCOPE_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS", status=400):
    """Further scopes need keys of the project's own."""

    message = "Further scopes need the project's own OAuth keys. Enter client id and secret of the provider in the project's settings."


class OAuthAccessTokenNotAvailableWithSharedOAuthKeys(
    KnownError, code="OAUTH_ACCESS_TOKEN_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS", status=400
):
    """Provider access tokens need keys of the project's own."""

    message = "Access tokens of a provider need the project's own OAuth keys. Enter them in the project's settings."


class OAuthProviderAccountIdAlreadyUsedForSignIn(KnownError, code="OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN", status=400):
    """Somebody signs in with this provider account."""

    message = "Somebody signs in with this provider account already. An account can sign in one user only."


class InvalidSharedOAuthProviderId(KnownError, code="INVALID_SHARED_OAUTH_PROVIDER_ID", status=400):
    """In the catalogue, but no endpoint answers with it."""

    provider_id: str

    @property
    def message(self) -> str:
        """Names the provider."""
        return f"There are no shared OAuth keys for the provider {self.provider_id}. Enter the project's own."


class InvalidStandardOAuthProviderId(KnownError, code="INVALID_STANDARD_OAUTH_PROVIDER_ID", status=400):
    """Not the id of a provider that the server knows."""

    provider_id: str

    @property
    def message(self) -> str:
        """Names the provider."""
        return f"{self.provider_id} is not one of the standard sign-in providers."


class AppleBundleIdNotConfigured(KnownError, code="APPLE_BUNDLE_ID_NOT_CONFIGURED", status=400):
    """Native Apple sign-in without a bundle id in the configuration."""

    message = "Signing in with Apple in an app needs the app's bundle id. Add it to the Apple provider in the project's settings."


class InvalidAppleCredentials(KnownError, code="INVALID_APPLE_CREDENTIALS", status=400):
    """The identity token of native Apple sign-in is invalid."""

    message = "The identity token from Apple is not valid for this application. Start the sign-in again."
