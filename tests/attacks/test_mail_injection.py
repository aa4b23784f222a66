"""D6, D5: nothing that users or projects write becomes a header, a recipient, markup or template code; links come from callback URLs only."""

from __future__ import annotations

import pytest

from hexclave_server.emails.service import Template, to_user_at
from tests.emails.own_servers import error_types, wait_until
from tests.emails.queueing import queue
from tests.server import Project, RunningServer, new_email

NAMES = [
    "Shop\r\nBcc: victim@example.com",
    "Shop\nSubject: other",
    "Shop\r\n\r\nbody",
    "Shop\u2028Bcc: victim@example.com",
    "Shop\u0085\u2029\x0b\x0c\x1bX",
    '"Shop" <attacker@example.com>, "b',
    "Shop\\",
    "=?utf-8?q?=0D=0ABcc:_victim@example.com?=",
    "{{ 7 * 7 }}{% for x in y %}",
    "{{ ''.__class__.__mro__ }}",
    "<script>alert(1)</script><b>&amp;",
    "\u202eevil\u202c\u200b",
    "Ünïcode 👩‍💻 株式会社 " * 8,
    "x" * 5000,
]
BAD_ADDRESSES = [
    "a@example.com\r\nBcc: victim@example.com",
    "a@example.com\r\nDATA",
    "a@example.com> SIZE=1",
    "a@example.com, victim@example.com",
    "<a@example.com>",
    "a@example.com\u2028b",
    "a@example.com ",
    "a b@example.com",
    ".a@example.com",
    "a..b@example.com",
    "a@-example.com",
    "ü@example.com",
    '"a b"@example.com',
    "a@[127.0.0.1]",
    "@example.com",
    "a@",
    "",
]
GOOD_ADDRESSES = [
    "first.last+tag@example.com",
    "!#$%&'*+/=?^_`{|}~-@example.com",
    "a@b",
    "a@localhost",
    "a@mail.local",
    "a@shop.test",
    "x@sub.domain.example.museum",
    "a" * 64 + "@example.com",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_project_stays_a_name(own_project: Project, name: str):
    server = own_project.server
    with own_project.http("admin") as client:
        assert client.patch("/internal/projects/current", json={"display_name": name}).status_code == 200
    address = new_email()
    queue(own_project, address, Template.MAGIC_LINK)
    mail = server.mail.wait_for(address)
    assert mail.recipients == (address,)
    assert [str(value) for value in mail.message.get_all("to")] == [address]
    assert "bcc" not in mail.message
    assert len(mail.message.get_all("subject")) == len(mail.message.get_all("from")) == 1
    assert mail.subject.startswith("Sign in to ")
    assert [sender.addr_spec for sender in mail.message["from"].addresses] == ["noreply@auth.example.com"]
    assert "<script" not in mail.html
    assert "49" not in mail.subject
    assert not any(ord(char) < 32 or char in "\x85\u2028\u2029\u202e" for char in mail.subject)
    assert mail.message.defects == []
    if "{" in name:
        assert name in mail.subject


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 250])
def test_the_name_of_a_user_stays_a_name(project: Project, server: RunningServer, name: str):
    address = new_email()
    user = project.create_user(display_name=name, primary_email=address)
    queue(project, to_user_at(user["id"], address))
    mail = server.mail.wait_for(address)
    assert mail.recipients == (address,)
    assert "bcc" not in mail.message
    assert "<script" not in mail.html
    assert "49" not in mail.text.replace("789", "")
    assert mail.html.count("<p ") == mail.html.count("</p>")


def test_an_address_that_is_more_than_one_is_sent_to_nobody(project: Project, server: RunningServer):
    ids = queue(project, BAD_ADDRESSES)
    for email_id, address in zip(ids, BAD_ADDRESSES, strict=True):
        finished = wait_until(server, email_id, "finished_at")
        assert error_types(finished) == ["INVALID_EMAIL_ADDRESS"], address
        assert finished["rendered_at"]
    server.mail.none_for("victim@example.com")


def test_addresses_that_a_mail_server_may_know_are_sent_to(project: Project, server: RunningServer):
    queue(project, GOOD_ADDRESSES)
    for address in GOOD_ADDRESSES:
        assert server.mail.wait_for(address).to == address


def test_markup_in_a_link_stays_in_its_attribute(project: Project, server: RunningServer):
    address = new_email()
    link = "https://app.example.com/?a=\"><script>alert(1)</script>&code=1'2"
    queue(project, address, Template.EMAIL_VERIFICATION, {"emailVerificationLink": link})
    mail = server.mail.wait_for(address)
    assert "<script" not in mail.html
    assert link in mail.text


def test_links_do_not_follow_the_host_that_a_request_names(own_project: Project, server: RunningServer):
    own_project.configure(magic_link_enabled=True, allow_localhost=True)
    callback = "http://localhost:3000/handler/magic-link-callback"
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}):
        address = new_email()
        with own_project.http("client") as client:
            answer = client.post("/auth/otp/send-sign-in-code", json={"email": address, "callback_url": callback}, headers=headers)
        assert answer.status_code == 200, answer.text
        mail = server.mail.wait_for(address)
        assert mail.link.startswith(callback + "?code=")
        assert b"evil.example" not in mail.raw


@pytest.mark.parametrize("separator", ["\u0085", "\u00a0", "\u2028", "\u2029", "\u3000", "\u200b", "\u202e", "\ufeff"])
def test_a_callback_url_carries_no_text_of_its_own_into_a_mail(own_project: Project, separator: str):
    """Whoever asks for a code writes path and query. Separators would make lines and words of them, in a mail from a sender that is trusted."""
    own_project.configure(magic_link_enabled=True, allow_localhost=True)
    words = separator.join(("", "", "Your", "account", "is", "locked.", "Call", "555", "0100."))
    body = {"email": new_email(), "callback_url": "http://localhost:3000/?q=" + words}
    with own_project.http("client") as client:
        for path in ("/auth/otp/send-sign-in-code", "/auth/password/send-reset-code"):
            answer = client.post(path, json=body)
            assert (answer.status_code, answer.headers["x-stack-known-error"]) == (400, "REDIRECT_URL_NOT_WHITELISTED")
