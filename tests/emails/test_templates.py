"""What the built-in emails say, read as a mail client reads them (contract 08 §6)."""

from __future__ import annotations

import re

import pytest

from hexclave_server.emails.service import Template, to_user_at
from tests.emails.queueing import LINK, VARIABLES, queue
from tests.mail import Mail
from tests.server import Project, RunningServer, new_email

SUBJECTS = {
    Template.EMAIL_VERIFICATION: "Verify your email at Test project",
    Template.PASSWORD_RESET: "Reset your password at Test project",
    Template.MAGIC_LINK: "Sign in to Test project: Your code is ABCDEF",
    Template.SECURITY_NOTICE: "Your password at Test project was changed",
}
WITH_LINKS = [template for template in Template if template is not Template.SECURITY_NOTICE]


def arrived(project: Project, template: Template = Template.EMAIL_VERIFICATION, **more: str) -> Mail:
    """The email of this template, sent to somebody."""
    address = new_email()
    queue(project, address, template, {**VARIABLES[template], **more})
    return project.server.mail.wait_for(address)


@pytest.mark.parametrize("template", list(Template))
def test_every_email_has_its_subject_sender_and_recipient(project: Project, template: Template):
    mail = arrived(project, template)
    assert mail.subject == SUBJECTS[template]
    assert mail.message["from"].addresses[0].display_name == "Test project"
    assert mail.message["from"].addresses[0].addr_spec == mail.envelope_sender == "noreply@auth.example.com"
    assert mail.to == mail.recipients[0]
    assert len(mail.recipients) == 1
    assert mail.message.defects == []
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
    assert all(mail.message[name] for name in ("date", "message-id", "auto-submitted"))
    assert all(len(line) <= 998 for line in mail.raw.split(b"\r\n"))


@pytest.mark.parametrize("template", WITH_LINKS)
def test_the_link_stands_once_in_the_text_and_is_the_first_in_the_html(project: Project, template: Template):
    mail = arrived(project, template)
    assert mail.text.count(LINK) == 1
    assert re.search(re.escape(LINK) + r"(\s|$)", mail.text)
    assert mail.link == LINK
    assert re.findall(r'href="([^"]*)"', mail.html) == [LINK.replace("&", "&amp;")]


def test_the_code_of_a_sign_in_is_alone_in_a_paragraph_and_in_capitals(project: Project):
    mail = arrived(project, Template.MAGIC_LINK, otp="abc123")
    assert mail.subject.endswith("Your code is ABC123")
    assert re.search(r"<p[^>]*>ABC123</p>", mail.html)
    assert "\n\nABC123\n\n" in mail.text.replace("\r\n", "\n")


def test_a_notice_says_what_was_changed_and_what_to_do(project: Project):
    for event, words in (("email", "email address"), ("second_factor", "second factor"), ("passkey", "passkey")):
        mail = arrived(project, Template.SECURITY_NOTICE, event=event)
        assert mail.subject == f"Your {words} at Test project was changed"
        assert "If it was not you" in mail.text
        assert re.search(r"on \d+ \w+ \d{4}, \d\d:\d\d UTC", mail.text)


def test_a_user_is_greeted_by_name_unless_the_name_is_an_advertisement(project: Project):
    for name, greeting in (("Ada Lovelace", "Hi Ada Lovelace,"), ("Win at https://evil.example", None), ("evil.example/win", None)):
        user = project.create_user(display_name=name, primary_email=new_email())
        queue(project, to_user_at(user["id"], user["primary_email"]))
        text = project.server.mail.wait_for(user["primary_email"]).text
        assert greeting in text if greeting else "evil" not in text


def test_emails_load_nothing_run_nothing_and_follow_dark_mode(project: Project):
    html = arrived(project, Template.MAGIC_LINK).html
    assert "<script" not in html
    assert "src=" not in html
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html
    assert "max-width:600px" in html


@pytest.mark.parametrize(
    ("theme_id", "page", "follows_dark_mode"),
    [
        ("1df07ae6-abf3-4a40-83a5-a1a2cbe336ac", "#f4f4f5", True),
        ("a0172b5d-cff0-463b-83bb-85124697373a", "#09090b", False),
        ("c7e2d94f-8a1b-4e6d-b3f5-9d0a2e7c1b8f", "#eef2ff", True),
    ],
)
def test_a_project_chooses_the_theme(own_project: Project, theme_id: str, page: str, follows_dark_mode: bool):
    own_project.configure(email_theme=theme_id)
    html = arrived(own_project).html
    assert f"background:{page}" in html
    assert ("prefers-color-scheme: dark" in html) is follows_dark_mode


def test_the_logo_of_the_project_is_shown_and_stays_out_of_the_text(own_project: Project):
    with own_project.http("admin") as client:
        answer = client.patch("/internal/projects/current", json={"logo_full_url": "https://cdn.example.com/logo.png?a=1&b=2"})
    assert answer.status_code == 200
    mail = arrived(own_project)
    assert re.findall(r'src="([^"]*)"', mail.html) == ["https://cdn.example.com/logo.png?a=1&amp;b=2"]
    assert "cdn.example.com" not in mail.text


def test_a_mail_of_several_addresses_is_one_message(project: Project, server: RunningServer):
    from hexclave_server.emails.service import Recipient, RecipientKind

    first, second = new_email(), new_email()
    queue(project, Recipient(RecipientKind.CUSTOM_EMAILS, None, (first, second, first)))
    mail = server.mail.wait_for(second)
    assert sorted(mail.recipients) == sorted([first, second])
    assert mail.to == f"{first}, {second}"
    assert len(server.mail.all_for(first)) == 1
