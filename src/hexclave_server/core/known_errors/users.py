"""Errors of users and their contact channels (contract 00, "Users, contact channels")."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class UserNotFound(KnownError, code="USER_NOT_FOUND", status=404):
    """No such user in this project."""

    message = "There is no such user in this project."


class UserIdDoesNotExist(KnownError, code="USER_ID_DOES_NOT_EXIST", status=400):
    """A user id in a body belongs to nobody."""

    user_id: str

    @property
    def message(self) -> str:
        """Names the id."""
        return f"There is no user {self.user_id} in this project."


class UserEmailAlreadyExists(KnownError, code="USER_EMAIL_ALREADY_EXISTS", status=409):
    """Another account signs in with this address; `email` is the stored, normalised form."""

    email: str
    would_work_if_email_was_verified: bool

    @property
    def message(self) -> str:
        """Names the address and the way out."""
        if self.would_work_if_email_was_verified:
            return f"An account with {self.email} exists, but nobody has verified the address yet. Sign in another way and verify it first."
        return f"An account with {self.email} exists already. Sign in instead, or use another address."


class ContactChannelAlreadyUsedForAuthBySomeoneElse(KnownError, code="CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE", status=409):
    """Another account signs in with this contact channel."""

    type: str
    contact_channel_value: str | None
    would_work_if_email_was_verified: bool

    @property
    def message(self) -> str:
        """Names the channel."""
        channel = self.contact_channel_value or f"this {self.type} channel"
        return f"Another account signs in with {channel}. Use another one, or add it without using it for sign-in."


class EmailAlreadyVerified(KnownError, code="EMAIL_ALREADY_VERIFIED", status=409):
    """Nothing to verify."""

    message = "The email address is verified already; no code was sent."


class EmailIsNotPrimaryEmail(KnownError, code="EMAIL_IS_NOT_PRIMARY_EMAIL", status=400):
    """The older verification endpoint takes the primary address only."""

    email: str
    primary_email: str | None

    @property
    def message(self) -> str:
        """Names both addresses."""
        return f"{self.email} is not the user's primary email address ({self.primary_email or 'there is none'})."


class EmailNotVerified(KnownError, code="EMAIL_NOT_VERIFIED", status=400):
    """In the catalogue, but no endpoint answers with it."""

    message = "The email address is not verified. Verify it first."


class EmailNotAssociatedWithUser(KnownError, code="EMAIL_NOT_ASSOCIATED_WITH_USER", status=400):
    """In the catalogue, but no endpoint answers with it."""

    message = "The email address belongs to no user of this project."
