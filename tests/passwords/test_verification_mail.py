"""The link that a sign-up by password sends to the address (contract 02 §1.8, §2.1)."""

from __future__ import annotations

from tests.passwords.calls import anonymous_session, read_user, sign_up
from tests.passwords.resets import ask
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error

CALLBACK = "http://localhost:3000/handler/email-verification"


def test_with_a_callback_url_the_address_gets_a_link_that_verifies_it(server: RunningServer, project: Project) -> None:
    email = new_email()
    user_id = sign_up(project, email.upper(), verification_callback_url=CALLBACK).json()["user_id"]
    mail = server.mail.wait_for(email)
    assert mail.subject == "Verify your email at Test project"
    assert mail.link == f"{CALLBACK}?code={mail.code}"
    assert read_user(project, user_id)["primary_email_verified"] is False
    with project.http("client") as client:
        assert client.post("/contact-channels/verify", json={"code": mail.code}).status_code == 200
    assert read_user(project, user_id)["primary_email_verified"] is True


def test_without_one_there_is_no_mail(server: RunningServer, project: Project) -> None:
    email = new_email()
    sign_up(project, email)
    ask(project, email)
    server.mail.none_for(email)


def test_an_upgraded_user_gets_one_too(server: RunningServer, project: Project) -> None:
    anonymous, email = anonymous_session(project), new_email()
    headers = {"x-stack-allow-anonymous-user": "true", "x-stack-access-token": anonymous["access_token"]}
    answer = sign_up(project, email, headers=headers, verification_callback_url=CALLBACK)
    assert answer.json()["user_id"] == anonymous["user_id"]
    assert server.mail.wait_for(email, subject="Verify your email")


def test_a_refused_sign_up_sends_nothing(server: RunningServer, project: Project) -> None:
    email = project.sign_up()["email"]
    assert known_error(sign_up(project, email, verification_callback_url=CALLBACK)) == "USER_EMAIL_ALREADY_EXISTS"
    ask(project, email)
    server.mail.none_for(email)
