"""What a failed try to send means: whose fault it is, what to do, and how to say it (contract 08 §1.2).

A failure of the *server* (it cannot be reached) says nothing about the message: all of its mails wait, no attempt is counted. Other
failures are counted against the message: some are worth another try, others are final. The reply code decides first, whichever command it
answers. Messages never hold credentials.
"""

from __future__ import annotations

import enum
import socket
import ssl

import aiosmtplib
import msgspec

from hexclave_server.core import randomness
from hexclave_server.emails.mail_server import MailServerForbidden
from hexclave_server.emails.rendering import one_line

MAX_ATTEMPTS = 5
TRANSPORT_ERRORS = (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError)
"""What the mail library and the network raise; ValueError for host names that cannot be looked up at all."""
_FIRST_PAUSE_MILLIS = 20_000
_TEMPORARY, _AUTH_FAILED, _BAD_ADDRESS, _REJECTED = 450, 535, 553, 554


class Remedy(enum.Enum):
    """What to do after a failure."""

    WAIT_FOR_SERVER = "wait for the server"
    TRY_AGAIN = "try again"
    GIVE_UP = "give up"


class Failure(Exception):
    """One failed try. `error_type` is the wire's; the text is shown to the project."""

    def __init__(self, error_type: str, message: str, remedy: Remedy) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.remedy = remedy


class Attempt(msgspec.Struct, frozen=True):
    """One element of `send_attempt_errors`."""

    attempt_number: int
    timestamp: str
    external_message: str
    external_details: dict[str, str]
    internal_message: str
    internal_details: dict[str, str] = {}


def meaning(error: Exception, *, while_connecting: bool, is_shared: bool) -> Failure:
    """The failure that an error of the transport stands for.

    While connecting only what nobody but the project can mend is final: an unknown host, a refused login, a 5yz greeting of its own
    server. The operator's server, which all projects share, is always waited for.
    """
    found = _of_reply(error) if isinstance(error, aiosmtplib.SMTPResponseException) else _of_connection(error)
    if not while_connecting:
        return found
    mends_itself = found.error_type not in ("HOST_NOT_FOUND", "AUTH_FAILED", "REJECTED", "INVALID_EMAIL_ADDRESS") and not (
        isinstance(error, aiosmtplib.SMTPResponseException) and found.error_type == "UNKNOWN"
    )
    return Failure(found.error_type, found.message, Remedy.WAIT_FOR_SERVER if is_shared or mends_itself else Remedy.GIVE_UP)


def _of_reply(error: aiosmtplib.SMTPResponseException) -> Failure:
    code, reply = error.code, one_line(f"{error.code} {error.message}")
    if code == _AUTH_FAILED:
        return Failure("AUTH_FAILED", "The mail server refused the user name or the password.", Remedy.GIVE_UP)
    if code == _TEMPORARY:
        return Failure("TEMPORARY", f"The mail server asks to try again later: {reply}", Remedy.TRY_AGAIN)
    if code == _BAD_ADDRESS:
        return Failure("INVALID_EMAIL_ADDRESS", f"The mail server does not accept the address: {reply}", Remedy.GIVE_UP)
    if code == _REJECTED:
        return Failure("REJECTED", f"The mail server rejected the message: {reply}", Remedy.GIVE_UP)
    if code // 100 == 4:  # noqa: PLR2004 - 4yz, RFC 5321 §4.2.1
        return Failure("TRANSIENT_NEGATIVE_COMPLETION_REPLY", f"The mail server cannot take the message now: {reply}", Remedy.TRY_AGAIN)
    return Failure("UNKNOWN", f"The mail server refused: {reply}", Remedy.GIVE_UP)


def _of_connection(error: Exception) -> Failure:
    cause = _root(error)
    if isinstance(cause, MailServerForbidden):
        text = "The mail server is not on a public address. The operator can allow its network (HEXCLAVE_OUTGOING_ALLOW)."
        return Failure("REJECTED", text, Remedy.GIVE_UP)
    if isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
        return Failure("HOST_NOT_FOUND", "The host of the mail server does not exist.", Remedy.TRY_AGAIN)
    if isinstance(cause, socket.gaierror):
        return Failure("UNKNOWN", "The name of the mail server could not be looked up.", Remedy.TRY_AGAIN)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Failure("UNKNOWN", f"The certificate of the mail server is not trusted: {one_line(cause.verify_message)}", Remedy.TRY_AGAIN)
    if isinstance(cause, ssl.SSLError):
        return Failure("UNKNOWN", "No encrypted connection to the mail server could be made.", Remedy.TRY_AGAIN)
    if isinstance(error, TimeoutError):
        return Failure("TIMEOUT", "The mail server did not answer in time.", Remedy.TRY_AGAIN)
    if isinstance(cause, ConnectionRefusedError):
        return Failure("UNKNOWN", "The mail server refuses connections.", Remedy.TRY_AGAIN)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Failure("UNKNOWN", f"The mail server cannot do what is needed: {one_line(error.message)}", Remedy.TRY_AGAIN)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | ConnectionError):
        return Failure("SOCKET_CLOSED", "The mail server closed the connection.", Remedy.TRY_AGAIN)
    return Failure("UNKNOWN", f"The mail server could not be used ({type(cause).__name__}).", Remedy.TRY_AGAIN)


def _root(error: BaseException) -> BaseException:
    """What the mail library wrapped."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def retry_millis(attempt_number: int) -> int:
    """How long to wait after the attempt with this number (from 1) failed: random(0.5-1.5) × 20 s × 2^number."""
    return round((0.5 + randomness.fraction()) * (_FIRST_PAUSE_MILLIS << attempt_number))
