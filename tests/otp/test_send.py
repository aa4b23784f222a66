"""Asking for a code to sign in with (contract 02 §3.1)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.otp.calls import CALLBACK, ask, send, sign_in, verified_user
from tests.passwords.calls import read_user
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_answer_is_the_nonce_and_the_mail_has_the_rest(server: RunningServer, project: Project, access: str) -> None:
    email = new_email()
    answer = send(project, email, access=access)
    assert answer.status_code == 200
    assert set(answer.json()) == {"nonce"}
    nonce = answer.json()["nonce"]
    assert len(nonce) == 39
    mail = server.mail.wait_for(email)
    assert mail.code[6:] == nonce
    assert mail.subject == f"Sign in to Test project: Your code is {mail.code[:6].upper()}"
    assert mail.recipients == (email,)


def test_the_mail_shows_the_six_characters_alone_in_a_paragraph(project: Project) -> None:
    sent = ask(project, new_email())
    assert sent.otp == sent.code[:6].upper()
    assert re.search(rf"<p\b[^>]*>\s*{sent.otp}\s*</p>", sent.mail.html)
    assert sent.mail.text.count(sent.mail.link) == 1


def test_the_link_keeps_what_the_callback_url_has(project: Project) -> None:
    sent = ask(project, new_email(), "http://localhost:3000/magic?after=%2Fhome&code=former#top")
    link = urlsplit(sent.mail.link)
    assert (link.scheme, link.netloc, link.path, link.fragment) == ("http", "localhost:3000", "/magic", "top")
    assert parse_qs(link.query) == {"after": ["/home"], "code": [sent.code]}
    assert "after=%2Fhome" in link.query


def test_the_mail_goes_to_the_address_as_typed(server: RunningServer, project: Project) -> None:
    email = new_email()
    typed = email.replace("user", "User")
    assert send(project, typed).status_code == 200
    mail = server.mail.wait_for(typed)
    assert mail.to == typed
    assert sign_in(project, mail.code).json()["is_new_user"] is True
    second = ask(project, email)
    assert sign_in(project, second.code).json()["is_new_user"] is False


def test_each_call_makes_another_code_and_all_are_good(project: Project) -> None:
    email = new_email()
    first, second = ask(project, email), ask(project, email)
    assert first.code != second.code
    assert sign_in(project, first.code).json()["is_new_user"] is True
    assert sign_in(project, second.code).json()["is_new_user"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com"},
        {"callback_url": CALLBACK},
        {"email": "", "callback_url": CALLBACK},
        {"email": "a@b", "callback_url": CALLBACK},
        {"email": "no-address", "callback_url": CALLBACK},
        {"email": None, "callback_url": CALLBACK},
        {"email": "a@example.com", "callback_url": "no url"},
        {"email": "a@example.com", "callback_url": None},
        {"email": "a@example.com", "callback_url": CALLBACK, "bot_challenge_phase": "sometimes"},
        {"email": "a@example.com", "callback_url": CALLBACK, "display_name": "Ada"},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/otp/send-sign-in-code", json=body)) == "SCHEMA_ERROR"


def test_challenge_fields_are_ignored_where_challenges_are_off(project: Project) -> None:
    body = {"email": new_email(), "callback_url": CALLBACK}
    challenge = {"bot_challenge_token": "x", "bot_challenge_phase": "visible", "bot_challenge_unavailable": "true"}
    with project.http("client") as client:
        assert client.post("/auth/otp/send-sign-in-code", json=body | challenge).status_code == 200


def test_an_address_that_its_user_did_not_verify_is_refused(server: RunningServer, project: Project) -> None:
    email = project.sign_up()["email"]
    answer = send(project, email.upper())
    assert (answer.status_code, known_error(answer)) == (409, "USER_EMAIL_ALREADY_EXISTS")
    assert answer.json()["details"] == {"email": email, "would_work_if_email_was_verified": True}
    ask(project, new_email())
    server.mail.none_for(email)


def test_an_address_that_nobody_signs_in_with_is_like_an_unknown_one(project: Project) -> None:
    email = new_email()
    other = project.create_user(primary_email=email, primary_email_auth_enabled=False)
    answer = sign_in(project, ask(project, email).code)
    assert answer.json()["is_new_user"] is True
    assert answer.json()["user_id"] != other["id"]


def test_asking_switches_codes_on_for_a_verified_user(project: Project) -> None:
    email = new_email()
    user = verified_user(project, email, otp_auth_enabled=False)
    assert read_user(project, user["id"])["otp_auth_enabled"] is False
    assert send(project, email).status_code == 200
    assert read_user(project, user["id"])["otp_auth_enabled"] is True


def test_a_refused_request_switches_nothing_on(project: Project) -> None:
    email = new_email()
    user = verified_user(project, email)
    assert known_error(send(project, email, "https://evil.example/")) == "REDIRECT_URL_NOT_WHITELISTED"
    assert read_user(project, user["id"])["otp_auth_enabled"] is False


def test_checks_come_in_the_order_of_the_contract(own_project: Project) -> None:
    known = own_project.sign_up()["email"]
    evil = "https://evil.example/"
    own_project.configure(magic_link_enabled=False, sign_up_enabled=False)
    answer = send(own_project, known, evil)
    assert (answer.status_code, known_error(answer)) == (403, None)
    own_project.configure(magic_link_enabled=True)
    assert known_error(send(own_project, known, evil)) == "USER_EMAIL_ALREADY_EXISTS"
    assert known_error(send(own_project, new_email(), evil)) == "SIGN_UP_NOT_ENABLED"
    own_project.configure(sign_up_enabled=True)
    answer = send(own_project, new_email(), evil)
    assert (answer.status_code, known_error(answer)) == (400, "REDIRECT_URL_NOT_WHITELISTED")


def test_known_users_get_codes_where_sign_up_is_off(own_project: Project) -> None:
    email = new_email()
    user = verified_user(own_project, email)
    own_project.configure(sign_up_enabled=False)
    assert sign_in(own_project, ask(own_project, email).code).json()["user_id"] == user["id"]
