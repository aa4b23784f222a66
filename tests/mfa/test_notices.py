"""Whoever's second factor or passkeys are changed hears of it by email (ours, contract 02 §1.8)."""

from __future__ import annotations

import pytest

from tests.mail import Mail
from tests.mfa.calls import (
    OTHER_SECRET,
    attempt,
    finish,
    finish_with_recovery_code,
    new_recovery_codes,
    require_refused,
    set_totp,
    totp,
    user_with_totp,
    wrong_totp,
)
from tests.passkeys.calls import new_passkey_project, registered
from tests.passkeys.calls import sign_in as sign_in_with_passkey
from tests.server import DatabaseKind, Project, RunningServer, running_server


def notice(server: RunningServer, email: str) -> Mail:
    return server.mail.wait_for(email, seconds=30)


def read_all(server: RunningServer, email: str, count: int) -> None:
    """Waits for so many notices, and that there are no more of them."""
    for _ in range(count):
        notice(server, email)
    server.mail.none_for(email)


def test_each_change_of_the_second_factor_is_told(project: Project, server: RunningServer) -> None:
    user = user_with_totp(project)
    email = user["email"]
    first = notice(server, email)
    assert "second factor" in first.text.lower() or "two-factor" in first.text.lower() or "authenticator" in first.text.lower(), first.text
    set_totp(project, user["user_id"], OTHER_SECRET)
    notice(server, email)
    codes = new_recovery_codes(project, user)
    told = notice(server, email)
    assert not any(code in told.text + told.html for code in codes)
    assert finish_with_recovery_code(project, attempt(project, user), codes[0]).status_code == 200
    notice(server, email)
    with project.http("client", user["access_token"]) as client:
        assert client.patch("/users/me", json={"totp_secret_base64": None}).status_code == 200
    notice(server, email)
    server.mail.none_for(email)


def test_signing_in_and_failing_to_are_not_told(project: Project, server: RunningServer) -> None:
    user = user_with_totp(project)
    notice(server, user["email"])
    code = attempt(project, user)
    require_refused(finish(project, code, wrong_totp()), "INVALID_TOTP_CODE")
    require_refused(finish_with_recovery_code(project, code, "00000-00000"), "INVALID_TOTP_CODE")
    assert finish(project, code, totp()).status_code == 200
    set_totp(project, user["user_id"], None)
    read_all(server, user["email"], 1)


def test_what_changes_nothing_is_not_told(project: Project, server: RunningServer) -> None:
    user = project.sign_up()
    set_totp(project, user["user_id"], None)
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"passkey_auth_enabled": False, "display_name": "Ada"})
    set_totp(project, user["user_id"])
    read_all(server, user["email"], 1)


def test_new_passkeys_and_their_removal_are_told(server: RunningServer) -> None:
    project = new_passkey_project(server)
    user = project.sign_up()
    authenticator = registered(project, user["access_token"])
    assert "passkey" in notice(server, user["email"]).text.lower()
    assert sign_in_with_passkey(project, authenticator).status_code == 200
    with project.http("client", user["access_token"]) as client:
        client.patch("/users/me", json={"passkey_auth_enabled": False})
    read_all(server, user["email"], 1)


def test_a_user_without_an_address_is_told_nothing_and_served(project: Project) -> None:
    user = project.create_user()
    set_totp(project, user["id"])
    with project.http("server") as client:
        token = client.post("/auth/sessions", json={"user_id": user["id"]}).json()["access_token"]
    assert len(new_recovery_codes(project, {"access_token": token})) == 10


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_notices_are_off_none_goes_out(database: DatabaseKind) -> None:
    with running_server(database, {"HEXCLAVE_SECURITY_NOTICES": "off"}) as server:
        project = server.new_project()
        user = user_with_totp(project)
        new_recovery_codes(project, user)
        set_totp(project, user["user_id"], None)
        with project.http("client") as client:
            client.post(
                "/auth/password/send-reset-code",
                json={"email": user["email"], "callback_url": "http://localhost:3000/handler/password-reset"},
            )
        assert "reset" in notice(server, user["email"]).subject.lower(), "the first that arrives is the one that was asked for last"
        server.mail.none_for(user["email"])
