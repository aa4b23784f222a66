"""The local mailbox: readable on this machine while there is no mail server, and by nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from hexclave_server.core.http import Request
from hexclave_server.emails.mailbox_routes import is_local
from hexclave_server.emails.service import Template
from tests.emails.own_servers import wait_until
from tests.emails.queueing import LINK, queue
from tests.server import DatabaseKind, RunningServer, new_email

JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def local(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server without a mail server."""
    with RunningServer(database, mail=False) as server:
        yield server


@pytest.fixture(scope="module")
def kept(local: RunningServer) -> tuple[str, str]:
    """The id and address of a mail in the mailbox."""
    address = new_email()
    (email_id,) = queue(local.project, address, Template.MAGIC_LINK)
    wait_until(local, email_id, "finished_at")
    return email_id, address


def command(server: RunningServer, *arguments: str) -> str:
    """What `hexclave mailbox` prints."""
    return subprocess.run(
        [sys.executable, "-m", "hexclave_server", "mailbox", *arguments],
        env=server.environment,
        cwd=server.directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_a_mail_is_kept_and_counts_as_sent(local: RunningServer, kept: tuple[str, str]):
    finished = wait_until(local, kept[0], "finished_at", "started_sending_at", "rendered_at")
    assert finished["server_error"] is None


def test_programs_read_the_mailbox_as_json(local: RunningServer, kept: tuple[str, str]):
    email_id, address = kept
    mails = httpx.get(f"{local.base_url}/dev/mailbox", headers=JSON).json()
    found = next(mail for mail in mails if mail["id"] == email_id)
    assert sorted(found) == sorted(("id", "project_id", "to", "from", "subject", "text", "html", "created_at_millis"))
    assert found["to"] == [address]
    assert found["from"] == "Test project <noreply@localhost>"
    assert found["subject"] == "Sign in to Test project: Your code is ABCDEF"
    assert LINK in found["text"]
    assert httpx.get(f"{local.base_url}/dev/mailbox/{email_id}", headers=JSON).json() == found


def test_people_read_it_as_pages_without_scripts(local: RunningServer, kept: tuple[str, str]):
    email_id, address = kept
    inbox = httpx.get(f"{local.base_url}/dev/mailbox")
    assert address in inbox.text
    page = httpx.get(f"{local.base_url}/dev/mailbox/{email_id}")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "ABCDEF" in page.text
    assert f'<a href="{LINK.replace("&", "&amp;")}"' in page.text


def test_an_unknown_mail_is_not_found(local: RunningServer):
    assert httpx.get(f"{local.base_url}/dev/mailbox/nothing").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8102"},
        {"host": "localhost.evil.example"},
        {"x-forwarded-for": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_nobody_reads_it_by_another_name_through_a_proxy_or_from_another_site(local: RunningServer, kept: tuple[str, str], headers):
    for path in ("/dev/mailbox", f"/dev/mailbox/{kept[0]}"):
        answer = httpx.get(local.base_url + path, headers=headers)
        assert answer.status_code == 404
        assert "ABCDEF" not in answer.text


@pytest.mark.parametrize(
    ("peer", "host", "expected"),
    [
        ("127.0.0.1", "localhost:8102", True),
        ("::1", "[::1]:8102", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "auth.example.com", False),
        ("10.0.0.5", "localhost", False),
        ("::ffff:10.0.0.5", "localhost", False),
        ("203.0.113.9", "auth.example.com", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[::1", False),
        ("", "localhost", False),
    ],
)
def test_who_counts_as_local(peer: str, host: str, expected: bool):
    headers = [(b"host", host.encode())] if host else []
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": headers, "client": (peer, 1) if peer else None}
    assert is_local(Request(scope)) is expected


def test_a_server_with_a_public_name_has_no_page_for_it(database: DatabaseKind):
    """A proxy on the same machine may send requests of the whole world from a loopback address, under a local name, without a trace."""
    with RunningServer(database, {"HEXCLAVE_PUBLIC_URL": "https://auth.example.com"}, mail=False) as server:
        (email_id,) = queue(server.project, new_email(), Template.MAGIC_LINK)
        wait_until(server, email_id, "finished_at")
        assert httpx.get(f"{server.base_url}/dev/mailbox").status_code == 404
        assert httpx.get(f"{server.base_url}/dev/mailbox", headers={"host": "auth.example.com"}).status_code == 404
        assert "ABCDEF" in command(server)


def test_with_a_mail_server_there_is_no_mailbox(server: RunningServer):
    assert httpx.get(f"{server.base_url}/dev/mailbox").status_code == 404


def test_the_command_lists_and_shows_mails(local: RunningServer, kept: tuple[str, str]):
    email_id, address = kept
    assert address in command(local)
    assert email_id in [mail["id"] for mail in json.loads(command(local, "--json"))]
    shown = command(local, "show", email_id)
    assert f"To: {address}" in shown
    assert LINK in shown
    assert json.loads(command(local, "show", email_id, "--json"))["id"] == email_id
