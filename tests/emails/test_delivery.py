"""How entries end: skipped, waiting for capacity, encrypted on their way and at rest, forgotten after a month."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexclave_server.emails.entries import purge
from hexclave_server.emails.service import Recipient, RecipientKind, Template, to_user_at
from tests.emails.own_servers import certificate, entry, error_types, wait_until
from tests.emails.queueing import inside, queue
from tests.mail import SmtpReceiver
from tests.server import DatabaseKind, Project, RunningServer, new_email
from tests.stored import contents, rows

DAY_MILLIS = 86_400_000


@pytest.fixture(scope="module")
def narrow(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server on which a project may send two mails per hour, and whose clock is moved."""
    with RunningServer(database, {"HEXCLAVE_EMAIL_CAPACITY_PER_HOUR": "2"}) as server:
        yield server


def test_a_user_who_is_gone_gets_nothing(project: Project, server: RunningServer):
    user = project.create_user(primary_email=new_email())
    with project.http("server") as client:
        assert client.delete(f"/users/{user['id']}").status_code == 200
    (email_id,) = queue(project, to_user_at(user["id"], user["primary_email"]))
    skipped = wait_until(server, email_id, "finished_at")
    assert skipped["skipped_reason"] == "USER_ACCOUNT_DELETED"
    assert skipped["rendered_at"]
    assert skipped["started_sending_at"]
    server.mail.none_for(user["primary_email"])


def test_a_user_without_address_gets_nothing(project: Project, server: RunningServer):
    user = project.create_user()
    (email_id,) = queue(project, Recipient(RecipientKind.USER_PRIMARY_EMAIL, user["id"]))
    assert wait_until(server, email_id, "finished_at")["skipped_reason"] == "USER_HAS_NO_PRIMARY_EMAIL"


def test_the_primary_address_is_that_of_the_moment_of_sending(project: Project, server: RunningServer):
    user = project.create_user(primary_email=new_email())
    queue(project, Recipient(RecipientKind.USER_PRIMARY_EMAIL, user["id"]))
    assert server.mail.wait_for(user["primary_email"])


def test_variables_that_are_missing_are_a_failure_to_render(project: Project, server: RunningServer):
    (email_id,) = queue(project, new_email(), Template.MAGIC_LINK, {"otp": "ABCDEF"})
    failed = wait_until(server, email_id, "finished_at")
    assert failed["server_error"] == "The email could not be rendered."
    assert failed["rendered_at"] is None
    assert failed["send_retries"] == 0


def test_codes_are_neither_in_the_database_nor_in_the_log(project: Project, server: RunningServer):
    code = "q7w8e9r0t1y2u3i4o5p6a7s8d9f0g1h2j3k4l5z6x7c8v"
    address = new_email()
    (email_id,) = queue(
        project, address, Template.MAGIC_LINK, {"magicLink": f"https://app.example.com/?code={code}", "otp": code[:6].upper()}
    )
    assert server.mail.wait_for(address).code == code
    wait_until(server, email_id, "finished_at")
    everything = str(contents(server)) + server.log()
    assert code not in everything
    assert code[:6].upper() not in everything
    assert address not in server.log()


def test_sustained_sending_is_held_to_the_capacity_but_urgent_mail_leaves(narrow: RunningServer):
    project = narrow.new_project()
    addresses = [new_email() for _ in range(4)]
    ids = queue(project, addresses, is_high_priority=False)
    deadline = time.monotonic() + 20
    while sum(bool(entry(narrow, email_id)["finished_at"]) for email_id in ids) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    urgent = new_email()
    queue(project, urgent)
    assert narrow.mail.wait_for(urgent)
    assert sum(bool(entry(narrow, email_id)["finished_at"]) for email_id in ids) == 2
    narrow.shift_clock(2 * 3_600_000)
    for email_id in ids:
        assert wait_until(narrow, email_id, "finished_at")["server_error"] is None


def test_what_finished_mails_said_is_removed_after_a_month(narrow: RunningServer):
    project = narrow.new_project()
    address = new_email()
    (email_id,) = queue(project, address)
    narrow.mail.wait_for(address)
    wait_until(narrow, email_id, "finished_at")
    content = f"SELECT sealed_variables, sealed_content FROM email_outbox WHERE id = '{email_id}'"
    narrow.shift_clock(29 * DAY_MILLIS)
    inside(narrow, lambda parts: parts.db.write(purge))
    assert all(rows(narrow, content)[0])
    narrow.shift_clock(31 * DAY_MILLIS)
    inside(narrow, lambda parts: parts.db.write(purge))
    assert rows(narrow, content) == [(None, None)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_operators_server_is_spoken_to_encrypted_and_logged_in(database: DatabaseKind, tmp_path: Path, security: str):
    trusted, context = certificate(tmp_path, "127.0.0.1", "localhost")
    kind = {"tls": context, "login": ("shop", "right")} if security == "starttls" else {"implicit_tls": context}
    with SmtpReceiver(**kind) as receiver:
        settings = receiver.settings | {
            "HEXCLAVE_SMTP_SECURITY": security,
            "HEXCLAVE_SMTP_USERNAME": "shop",
            "HEXCLAVE_SMTP_PASSWORD": "right",
            "SSL_CERT_FILE": str(trusted),
        }
        with RunningServer(database, settings, mail=False) as server:
            address = new_email()
            queue(server.project, address)
            assert receiver.wait_for(address, seconds=20)
            assert receiver.logins == ([("shop", "right")] if security == "starttls" else [])


def test_nothing_is_sent_in_clear_where_starttls_is_demanded():
    with SmtpReceiver() as receiver:
        settings = receiver.settings | {"HEXCLAVE_SMTP_SECURITY": "starttls"}
        with RunningServer("sqlite", settings, mail=False) as server:
            address = new_email()
            (email_id,) = queue(server.project, address)
            waiting = wait_until(server, email_id, "server_error")
            assert "STARTTLS" in waiting["server_error"]
            assert error_types(waiting) == []
            receiver.none_for(address)
