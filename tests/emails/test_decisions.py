"""What delivery decides, as tables: what a failure means, who gets a mail, through which server, when it may leave."""

from __future__ import annotations

import socket
import ssl

import aiosmtplib
import pytest

from hexclave_server.core import clock
from hexclave_server.emails.capacity import HOUR_MILLIS, appointment
from hexclave_server.emails.circuit import LONGEST_PAUSE_MILLIS, Circuit
from hexclave_server.emails.failures import Failure, Remedy, meaning, retry_millis
from hexclave_server.emails.mail_server import Mailbox, MailServer, MailServerIncomplete, Security, route_of, shared_sender
from hexclave_server.emails.recipients import SkipReason, choose
from hexclave_server.emails.rendering import Logos, greetable, one_line
from hexclave_server.emails.service import RecipientKind
from hexclave_server.settings import Settings
from hexclave_server.users.service import TokenSubject

WAIT, AGAIN, GIVE_UP = Remedy.WAIT_FOR_SERVER, Remedy.TRY_AGAIN, Remedy.GIVE_UP


def reply(code: int) -> aiosmtplib.SMTPResponseException:
    return aiosmtplib.SMTPResponseException(code, "said\r\nthe server")


def caused_by(cause: Exception) -> aiosmtplib.SMTPConnectError:
    error = aiosmtplib.SMTPConnectError("failed")
    error.__cause__ = cause
    return error


NO_SUCH_HOST = caused_by(socket.gaierror(socket.EAI_NONAME, "unknown"))
NO_DNS = caused_by(socket.gaierror(socket.EAI_AGAIN, "later"))
REFUSED = caused_by(ConnectionRefusedError())
NOT_VERIFIED = ssl.SSLCertVerificationError("bad")
NOT_VERIFIED.verify_message = "self-signed certificate"
BAD_CERTIFICATE = caused_by(NOT_VERIFIED)


@pytest.mark.parametrize(
    ("error", "error_type", "in_session", "connecting_own", "connecting_shared"),
    [
        (reply(450), "TEMPORARY", AGAIN, WAIT, WAIT),
        (reply(421), "TRANSIENT_NEGATIVE_COMPLETION_REPLY", AGAIN, WAIT, WAIT),
        (reply(451), "TRANSIENT_NEGATIVE_COMPLETION_REPLY", AGAIN, WAIT, WAIT),
        (reply(535), "AUTH_FAILED", GIVE_UP, GIVE_UP, WAIT),
        (reply(550), "UNKNOWN", GIVE_UP, GIVE_UP, WAIT),
        (reply(553), "INVALID_EMAIL_ADDRESS", GIVE_UP, GIVE_UP, WAIT),
        (reply(554), "REJECTED", GIVE_UP, GIVE_UP, WAIT),
        (NO_SUCH_HOST, "HOST_NOT_FOUND", AGAIN, GIVE_UP, WAIT),
        (NO_DNS, "UNKNOWN", AGAIN, WAIT, WAIT),
        (REFUSED, "UNKNOWN", AGAIN, WAIT, WAIT),
        (BAD_CERTIFICATE, "UNKNOWN", AGAIN, WAIT, WAIT),
        (aiosmtplib.SMTPConnectTimeoutError("slow"), "TIMEOUT", AGAIN, WAIT, WAIT),
        (aiosmtplib.SMTPReadTimeoutError("slow"), "TIMEOUT", AGAIN, WAIT, WAIT),
        (TimeoutError(), "TIMEOUT", AGAIN, WAIT, WAIT),
        (aiosmtplib.SMTPServerDisconnected("gone"), "SOCKET_CLOSED", AGAIN, WAIT, WAIT),
        (aiosmtplib.SMTPNotSupported("no STARTTLS"), "UNKNOWN", AGAIN, WAIT, WAIT),
        (ValueError("what"), "UNKNOWN", AGAIN, WAIT, WAIT),
    ],
)
def test_what_a_failure_means(
    error: Exception, error_type: str, in_session: Remedy, connecting_own: Remedy, connecting_shared: Remedy
) -> None:
    for connecting, is_shared, expected in (
        (False, False, in_session),
        (False, True, in_session),
        (True, False, connecting_own),
        (True, True, connecting_shared),
    ):
        found = meaning(error, while_connecting=connecting, is_shared=is_shared)
        assert (found.error_type, found.remedy) == (error_type, expected)
        assert "\n" not in found.message


def test_retries_wait_longer_each_time() -> None:
    for number in range(1, 6):
        middle = 20_000 * 2**number
        assert all(middle * 0.5 <= retry_millis(number) <= middle * 1.5 for _ in range(50))


ADA = TokenSubject("u", "Ada", "ada@example.com", True, None, 0, False, False, False)
NAMELESS = TokenSubject("u", None, None, None, None, 0, False, False, False)
PRIMARY, CUSTOM_OF_USER, CUSTOM = RecipientKind.USER_PRIMARY_EMAIL, RecipientKind.USER_CUSTOM_EMAILS, RecipientKind.CUSTOM_EMAILS


@pytest.mark.parametrize(
    ("kind", "given", "user", "belongs", "expected"),
    [
        (PRIMARY, (), ADA, True, (("ada@example.com",), None)),
        (PRIMARY, (), NAMELESS, True, ((), SkipReason.USER_HAS_NO_PRIMARY_EMAIL)),
        (PRIMARY, (), None, True, ((), SkipReason.USER_ACCOUNT_DELETED)),
        (CUSTOM_OF_USER, ("x@example.com",), ADA, True, (("x@example.com",), None)),
        (CUSTOM_OF_USER, (), ADA, True, (("ada@example.com",), None)),
        (CUSTOM_OF_USER, (), NAMELESS, True, ((), SkipReason.NO_EMAIL_PROVIDED)),
        (CUSTOM_OF_USER, ("x@example.com",), None, True, ((), SkipReason.USER_ACCOUNT_DELETED)),
        (CUSTOM, ("x@example.com",), None, False, (("x@example.com",), None)),
        (CUSTOM, (), None, False, ((), SkipReason.NO_EMAIL_PROVIDED)),
    ],
)
def test_who_gets_a_mail(kind, given, user, belongs, expected) -> None:
    assert choose(kind, given, user, belongs_to_user=belongs) == expected


OWN = {
    "isShared": False,
    "provider": "smtp",
    "host": "mail.own",
    "port": 587,
    "senderName": "Own",
    "senderEmail": "me@own",
    "username": "u",
}
MANAGED = {"isShared": False, "provider": "managed", "managedSubdomain": "mail.own", "managedSenderLocalPart": "hi", "password": "p"}


def route(server: dict[str, object], **settings: str):
    environment = {f"HEXCLAVE_{name}": value for name, value in settings.items()}
    return route_of(Settings.load(environment), "Shop", {"emails": {"server": server}})


def test_through_which_server_a_project_sends() -> None:
    assert route({"isShared": True}).via == Mailbox()
    shared = route({"isShared": True}, SMTP_HOST="mail", PUBLIC_URL="https://auth.shop.example")
    assert shared.via == MailServer("mail", 587, Security.STARTTLS, is_shared=True)
    assert (shared.sender_name, shared.sender_address) == ("Shop", "noreply@auth.shop.example")
    own = route(OWN, SMTP_HOST="mail")
    assert own.via == MailServer("mail.own", 587, Security.STARTTLS_IF_OFFERED, "u")
    assert (own.sender_name, own.sender_address) == ("Own", "me@own")
    assert [route(OWN | {"port": port}).via.security for port in (465, 2465, 25)] == [
        Security.TLS,
        Security.TLS,
        Security.STARTTLS_IF_OFFERED,
    ]
    managed = route(MANAGED)
    assert managed.via == MailServer("smtp.resend.com", 465, Security.TLS, "resend", "p")
    assert (managed.sender_name, managed.sender_address) == ("Shop", "hi@mail.own")
    with pytest.raises(MailServerIncomplete, match=r"emails\.server\.host"):
        route({"isShared": False, "provider": "smtp", "port": 25})


def test_the_operators_sender() -> None:
    named = Settings.load({"HEXCLAVE_SMTP_HOST": "mail", "HEXCLAVE_SMTP_SENDER": "Shop <no-reply@shop.example>"})
    assert shared_sender(named) == "no-reply@shop.example"
    assert shared_sender(Settings.load({})) == "noreply@localhost"
    assert shared_sender(Settings.load({"HEXCLAVE_PUBLIC_URL": "http://10.0.0.1"})) == "noreply@localhost"


def test_a_full_bucket_lets_an_hour_of_mails_leave_at_once() -> None:
    now, per_hour = 1_000_000_000_000, 200
    interval = HOUR_MILLIS // per_hour
    spoken_until = now
    leaves = []
    for _ in range(per_hour + 3):
        spoken_until = max(spoken_until, now) + interval
        leaves.append(appointment(spoken_until, now, interval, per_hour))
    assert leaves == [None] * per_hour + [now + interval, now + 2 * interval, now + 3 * interval]


def test_pauses_of_a_server_double_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000_000_000
    monkeypatch.setattr(clock, "now_millis", lambda: now)
    circuit = Circuit(MailServer("mail", 25, Security.NONE))
    pauses = []
    for _ in range(9):
        circuit.open(Failure("UNKNOWN", "away", WAIT))
        pauses.append((circuit.paused_until() or now) - now)
    assert all(0.75 * expected <= pause <= 1.25 * expected for pause, expected in zip(pauses, (1000, 2000, 4000, 8000), strict=False))
    assert max(pauses) <= 1.25 * LONGEST_PAUSE_MILLIS
    with pytest.raises(Failure):
        circuit.require_closed()
    monkeypatch.setattr(clock, "now_millis", lambda: now - 3_600_000)  # a clock that was set back must not make the pause an hour longer
    assert circuit.paused_until() is None
    circuit.close()
    assert not circuit.is_suspect


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Ada", "Ada"),
        ("  Ada\r\nLovelace ", "Ada Lovelace"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("O'Neil & Söhne", "O'Neil & Söhne"),
        ("go to evil.example", None),
        ("https://x", None),
        ("a@b", None),
        ("WWW.x", None),
        ("x" * 201, None),
        ("", None),
        (None, None),
    ],
)
def test_who_is_greeted_by_name(name: str | None, greeted: str | None) -> None:
    assert greetable(name) == greeted


def test_lines_of_headers_hold_no_breaks_and_nothing_invisible() -> None:
    assert one_line("a\r\nb\u2028c\x00d\u202ee\u200bf") == "a b c d e f"
    assert one_line("👩\u200d💻") == "👩\u200d💻"
    assert len(one_line("x" * 10_000)) == 500


def test_the_logo_of_a_background_is_the_full_one_else_the_small_one() -> None:
    assert Logos("s", "f", "sd", "fd").on(dark=False) == "f"
    assert Logos("s", None, "sd", None).on(dark=True) == "sd"
    assert Logos("s", "f").on(dark=True) is None
