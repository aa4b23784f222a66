"""What `hexclave doctor` says about the mail server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.emails.own_servers import certificate
from tests.mail import SmtpReceiver
from tests.server import RunningServer, free_port


def finding(settings: Mapping[str, str]) -> dict[str, str]:
    """The finding on the mail server of an installation with these settings."""
    server = RunningServer("sqlite", settings, mail=False)
    try:
        output = subprocess.run(
            [sys.executable, "-m", "hexclave_server", "doctor", "--json"],
            env=server.environment,
            cwd=server.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout
    finally:
        server.close()
    return next(found for found in json.loads(output) if found["subject"] == "mail server")


def test_without_a_mail_server_it_says_where_mails_are():
    found = finding({})
    assert found["state"] == "ok"
    assert "/dev/mailbox" in found["message"]


def test_a_mail_server_that_accepts_us_is_fine():
    with SmtpReceiver(login=("shop", "right")) as receiver:
        found = finding(receiver.settings | {"HEXCLAVE_SMTP_USERNAME": "shop", "HEXCLAVE_SMTP_PASSWORD": "right"})
        assert found["state"] == "ok"
        assert "noreply@auth.example.com" in found["message"]
        assert receiver.logins == [("shop", "right")]


def test_a_sender_of_no_real_domain_is_a_warning():
    with SmtpReceiver() as receiver:
        settings = {name: value for name, value in receiver.settings.items() if name != "HEXCLAVE_SMTP_SENDER"}
        found = finding(settings)
        assert found["state"] == "warning"
        assert "HEXCLAVE_SMTP_SENDER" in found["advice"]


@pytest.mark.parametrize(
    ("case", "words", "advice"),
    [
        ("down", "refuses connections", "HEXCLAVE_SMTP_HOST"),
        ("password", "refused the user name or the password", "HEXCLAVE_SMTP_PASSWORD"),
        ("clear", "does not offer STARTTLS", "_SECURITY"),
        ("certificate", "is not trusted", "_SECURITY"),
    ],
)
def test_every_problem_has_its_words_and_advice(case: str, words: str, advice: str, tmp_path: Path):
    context = certificate(tmp_path, "127.0.0.1")[1] if case == "certificate" else None
    with SmtpReceiver(login=("shop", "right"), tls=context) as receiver:
        changes = {
            "down": {"HEXCLAVE_SMTP_PORT": str(free_port())},
            "password": {"HEXCLAVE_SMTP_USERNAME": "shop", "HEXCLAVE_SMTP_PASSWORD": "wrong-and-secret"},
            "clear": {"HEXCLAVE_SMTP_SECURITY": "starttls"},
            "certificate": {"HEXCLAVE_SMTP_SECURITY": "starttls"},
        }
        found = finding(receiver.settings | changes[case])
    assert found["state"] == "problem"
    assert words in found["message"]
    assert advice in found["advice"]
    assert "wrong-and-secret" not in str(found)
