"""Asking for a code to reset a password (contract 02 §2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.passwords.calls import sign_in
from tests.passwords.resets import CALLBACK, MAYBE, ask, ask_for_mail, reset, send
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_known_address_gets_a_link(server: RunningServer, project: Project, access: str) -> None:
    email = project.sign_up()["email"]
    answer = send(project, email, "http://localhost:3000/reset?code=former&x=1", access=access)
    assert (answer.status_code, answer.json()) == (200, MAYBE)
    mail = server.mail.wait_for(email)
    assert mail.subject == "Reset your password at Test project"
    assert mail.recipients == (email,)
    assert mail.link == f"http://localhost:3000/reset?x=1&code={mail.code}"
    assert (len(mail.code), mail.code) == (45, mail.code.lower())


def test_an_unknown_address_gets_nothing_but_the_same_answer(server: RunningServer, project: Project) -> None:
    unknown, unused, known = new_email(), new_email(), project.sign_up()["email"]
    project.create_user(primary_email=unused, primary_email_auth_enabled=False)
    for email in (unknown, unused):
        assert send(project, email).json() == MAYBE
    ask(project, known)
    server.mail.none_for(unknown)
    server.mail.none_for(unused)


def test_the_address_may_be_typed_in_any_case(project: Project) -> None:
    email = project.sign_up()["email"]
    mail = ask_for_mail(project, email.replace("user", "USER"))
    assert mail.to == email.replace("user", "USER")


def test_a_user_without_a_password_gets_one_by_resetting(project: Project) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, primary_email_verified=True)
    assert reset(project, ask(project, email), "correct horse battery").status_code == 200
    assert sign_in(project, email).status_code == 200


@pytest.mark.parametrize("known", [True, False])
def test_the_callback_url_is_checked_for_every_address(project: Project, known: bool) -> None:
    email = project.sign_up()["email"] if known else new_email()
    answer = send(project, email, "https://evil.example/")
    assert (answer.status_code, known_error(answer)) == (400, "REDIRECT_URL_NOT_WHITELISTED")


def test_disabled_passwords_come_before_untrusted_urls(own_project: Project) -> None:
    own_project.configure(credential_enabled=False)
    assert known_error(send(own_project, new_email(), "https://evil.example/")) == "PASSWORD_AUTHENTICATION_NOT_ENABLED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com"},
        {"callback_url": CALLBACK},
        {"email": "", "callback_url": CALLBACK},
        {"email": "no address", "callback_url": CALLBACK},
        {"email": None, "callback_url": CALLBACK},
        {"email": "a@example.com", "callback_url": ""},
        {"email": "a@example.com", "callback_url": CALLBACK, "x": 1},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/password/send-reset-code", json=body)) == "SCHEMA_ERROR"


def test_lenient_addresses_are_taken(project: Project) -> None:
    assert send(project, "a@b").json() == MAYBE
