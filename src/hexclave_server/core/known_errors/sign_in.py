"""Errors of signing up and in (contract 00, "Sign-up and sign-in").

Their texts tell the caller no more than their codes do: nothing of whether an account exists, nothing of a sign-up rule.
"""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class SignUpNotEnabled(KnownError, code="SIGN_UP_NOT_ENABLED", status=400):
    """A new account while the project takes none."""

    message = "This project does not take new accounts. Sign in to an existing one, or ask its administrator to create one."


class SignUpRejected(KnownError, code="SIGN_UP_REJECTED", status=403, repeats_message=True):
    """A sign-up rule refuses; which one is never told, so details and text are always the same."""

    message = "This sign-up was refused. If you think that is a mistake, contact the application's support."


class BotChallengeRequired(KnownError, code="BOT_CHALLENGE_REQUIRED", status=409):
    """The invisible challenge did not pass."""

    message = "Please show that you are human: solve the visible challenge and send the request again with its answer."


class BotChallengeFailed(KnownError, code="BOT_CHALLENGE_FAILED", status=400, repeats_message=True):
    """The visible challenge did not pass; `text` says why."""

    text: str

    @property
    def message(self) -> str:
        """The reason."""
        return self.text


class PasswordAuthenticationNotEnabled(KnownError, code="PASSWORD_AUTHENTICATION_NOT_ENABLED", status=400):
    """The project has password sign-in switched off."""

    message = "Password sign-in is switched off in this project. Use another way to sign in."


class PasskeyAuthenticationNotEnabled(KnownError, code="PASSKEY_AUTHENTICATION_NOT_ENABLED", status=400):
    """The project has passkeys switched off."""

    message = "Passkeys are switched off in this project. Use another way to sign in."


class AnonymousAccountsNotEnabled(KnownError, code="ANONYMOUS_ACCOUNTS_NOT_ENABLED", status=400):
    """In the catalogue, but no endpoint answers with it."""

    message = "Anonymous accounts are switched off in this project."


class EmailPasswordMismatch(KnownError, code="EMAIL_PASSWORD_MISMATCH", status=400):
    """Unknown address, account without password, or wrong password: the same for all three."""

    message = "The email or the password is wrong."


class PasswordConfirmationMismatch(KnownError, code="PASSWORD_CONFIRMATION_MISMATCH", status=400):
    """The old password in a change of password is wrong."""

    message = "The old password is wrong."


class UserDoesNotHavePassword(KnownError, code="USER_DOES_NOT_HAVE_PASSWORD", status=400):
    """A change of password where there is none."""

    message = "The user has no password yet. Set one instead of changing it."


class PasswordRequirementsNotMet(KnownError):
    """Group: the new password is not acceptable."""


class PasswordTooShort(PasswordRequirementsNotMet, code="PASSWORD_TOO_SHORT", status=400):
    """The new password has fewer than `min_length` characters."""

    min_length: int

    @property
    def message(self) -> str:
        """Names the limit."""
        return f"The password is too short. Choose one of at least {self.min_length} characters."


class PasswordTooLong(PasswordRequirementsNotMet, code="PASSWORD_TOO_LONG", status=400):
    """The new password has more than `maxLength` characters."""

    maxLength: int  # noqa: N815 - the wire's spelling, and SDKs insist

    @property
    def message(self) -> str:
        """Names the limit."""
        return f"The password is too long. Choose one of at most {self.maxLength} characters."


class RedirectUrlNotWhitelisted(KnownError, code="REDIRECT_URL_NOT_WHITELISTED", status=400):
    """A callback, redirect or return URL leads outside the project's trusted domains."""

    message = "The URL to return to is not on a trusted domain of this project. Add its domain in the project's settings."


class VerificationError(KnownError):
    """Group: a one-time code is not good (any more)."""


class VerificationCodeNotFound(VerificationError, code="VERIFICATION_CODE_NOT_FOUND", status=404):
    """No such code of this kind in this project."""

    message = "The code is wrong. Check it, or ask for a new one."


class VerificationCodeExpired(VerificationError, code="VERIFICATION_CODE_EXPIRED", status=400):
    """The code is past its time."""

    message = "The code has expired. Ask for a new one."


class VerificationCodeAlreadyUsed(VerificationError, code="VERIFICATION_CODE_ALREADY_USED", status=409):
    """The code was redeemed before."""

    message = "The code was used already. Ask for a new one."


class VerificationCodeMaxAttemptsReached(VerificationError, code="VERIFICATION_CODE_MAX_ATTEMPTS_REACHED", status=400):
    """Too many tries at one code."""

    message = "The code was entered wrongly too often and is void. Ask for a new one."


class MultiFactorAuthenticationRequired(KnownError, code="MULTI_FACTOR_AUTHENTICATION_REQUIRED", status=400):
    """The first factor passed and the user has a second; `attempt_code` (45 characters) goes with the answer."""

    attempt_code: str
    message = "A second factor is needed. Send the code of the authenticator app together with `attempt_code` to finish signing in."


class InvalidTotpCode(KnownError, code="INVALID_TOTP_CODE", status=400):
    """Wrong code of the second factor."""

    message = "The code of the authenticator app is wrong. Check the clock of the device and enter the current code."


class PasskeyRegistrationFailed(KnownError, code="PASSKEY_REGISTRATION_FAILED", status=400):
    """Untrusted origin or invalid attestation. Has no details on the wire."""

    message = "The passkey could not be registered. Try again from a page on a trusted domain of this project."


class PasskeyAuthenticationFailed(KnownError, code="PASSKEY_AUTHENTICATION_FAILED", status=400):
    """Unknown credential, untrusted origin or invalid signature. Has no details on the wire."""

    message = "Signing in with this passkey failed. Try again, or use another way to sign in."


class PasskeyWebAuthnError(KnownError, code="PASSKEY_WEBAUTHN_ERROR", status=400, repeats_message=True):
    """Made by SDKs, never by the server: the browser's WebAuthn failed."""

    text: str
    code_: str

    @property
    def message(self) -> str:
        """The browser's text."""
        return self.text


class InvalidPollingCode(KnownError, code="INVALID_POLLING_CODE", status=400):
    """A command line polls with a code that nobody gave out."""

    message = "The polling code is not known. Start the login again."


class CliAuthError(KnownError, code="CLI_AUTH_ERROR", status=400):
    """Made by SDKs, never by the server: the login of a command line failed."""

    message = "The login of the command line failed. Start it again."


class CliAuthExpiredError(KnownError, code="CLI_AUTH_EXPIRED_ERROR", status=400):
    """Made by SDKs, never by the server: nobody confirmed in time."""

    message = "The login of the command line was not confirmed in time. Start it again."


class CliAuthUsedError(KnownError, code="CLI_AUTH_USED_ERROR", status=400):
    """Made by SDKs, never by the server: the login was finished before."""

    message = "This login of the command line was finished already. Start a new one."
