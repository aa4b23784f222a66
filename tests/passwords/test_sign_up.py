"""Signing up with a password (contract 02 §1.5, §2.1)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.passwords.calls import PASSWORD, TOTP_SECRET, anonymous_session, read_user, refreshes, sign_in, sign_up
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import claims_of, known_error


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_new_user_is_signed_in(project: Project, access: str) -> None:
    email = new_email()
    with project.http(access) as client:
        answer = client.post("/auth/password/sign-up", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "user_id"}
    user = read_user(project, answer.json()["user_id"])
    assert user["primary_email"] == email
    assert user["primary_email_verified"] is False
    assert user["primary_email_auth_enabled"] is True
    assert user["has_password"] is True
    assert user["otp_auth_enabled"] is False
    assert user["is_anonymous"] is False
    assert refreshes(project, answer.json()["refresh_token"])


def test_the_address_is_trimmed_and_lower_cased(project: Project) -> None:
    email = new_email()
    answer = sign_up(project, email.upper())
    assert claims_of(answer.json()["access_token"])["email"] == email
    taken = sign_up(project, email.title())
    assert (taken.status_code, known_error(taken)) == (409, "USER_EMAIL_ALREADY_EXISTS")
    assert taken.json()["details"] == {"email": email, "would_work_if_email_was_verified": False}


def test_plus_tags_and_dots_make_another_address(project: Project) -> None:
    email = new_email()
    assert sign_up(project, email).status_code == 200
    assert sign_up(project, email.replace("@", "+tag@")).status_code == 200


def test_an_address_that_nobody_signs_in_with_is_free(project: Project) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=False)
    assert sign_up(project, email).status_code == 200


def test_the_same_address_is_free_in_another_project(project: Project, own_project: Project) -> None:
    email = new_email()
    assert sign_up(project, email).status_code == 200
    assert sign_up(own_project, email).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"email": "a@example.com"},
        {"email": "", "password": PASSWORD},
        {"email": "no-address", "password": PASSWORD},
        {"email": "a@b", "password": PASSWORD},
        {"email": "a..b@example.com", "password": PASSWORD},
        {"email": "\N{LATIN SMALL LETTER E WITH ACUTE}@example.com", "password": PASSWORD},
        {"email": "a@example.com", "password": None},
        {"email": "a@example.com", "password": "x" * 71},
        {"email": "a@example.com", "password": PASSWORD, "verification_callback_url": "no url"},
        {"email": "a@example.com", "password": PASSWORD, "bot_challenge_phase": "sometimes"},
        {"email": "a@example.com", "password": PASSWORD, "display_name": "Ada"},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/password/sign-up", json=body)) == "SCHEMA_ERROR"


def test_challenge_fields_are_ignored_where_challenges_are_off(project: Project) -> None:
    answer = sign_up(project, new_email(), bot_challenge_token="x", bot_challenge_phase="visible", bot_challenge_unavailable="true")
    assert answer.status_code == 200


def test_the_callback_url_must_be_trusted(project: Project) -> None:
    assert sign_up(project, new_email(), verification_callback_url="http://localhost:3000/verify").status_code == 200
    answer = sign_up(project, new_email(), verification_callback_url="https://evil.example/verify")
    assert (answer.status_code, known_error(answer)) == (400, "REDIRECT_URL_NOT_WHITELISTED")


def test_checks_come_in_the_order_of_the_contract(own_project: Project) -> None:
    email = new_email()
    sign_up(own_project, email)
    everything_wrong: dict[str, Any] = {"email": email, "password": "short", "verification_callback_url": "https://evil.example/"}
    with own_project.http("client") as client:

        def error(**fields: Any) -> str | None:
            return known_error(client.post("/auth/password/sign-up", json={**everything_wrong, **fields}))

        own_project.configure(sign_up_enabled=False, credential_enabled=False)
        assert error(password="x" * 71) == "SCHEMA_ERROR"
        assert error() == "PASSWORD_AUTHENTICATION_NOT_ENABLED"
        own_project.configure(credential_enabled=True)
        assert error() == "REDIRECT_URL_NOT_WHITELISTED"
        del everything_wrong["verification_callback_url"]
        assert error() == "SIGN_UP_NOT_ENABLED"
        own_project.configure(sign_up_enabled=True)
        assert error() == "PASSWORD_TOO_SHORT"
        assert error(password=PASSWORD) == "USER_EMAIL_ALREADY_EXISTS"


def test_too_short_says_how_long(project: Project) -> None:
    answer = sign_up(project, new_email(), "1234567")
    assert (answer.status_code, answer.json()["details"]) == (400, {"min_length": 8})


def test_a_personal_team_is_made_where_the_project_wants_one(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    email = new_email()
    answer = sign_up(own_project, email)
    team_id = claims_of(answer.json()["access_token"])["selected_team_id"]
    team = read_user(own_project, answer.json()["user_id"])["selected_team"]
    assert (team["id"], team["display_name"]) == (team_id, f"{email}'s Team")


@pytest.mark.anyio
async def test_of_many_who_want_one_address_one_gets_it(project: Project) -> None:
    email = new_email()
    async with project.async_http("client") as client:
        calls = (client.post("/auth/password/sign-up", json={"email": email, "password": PASSWORD}) for _ in range(20))
        answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


# --- the upgrade of an anonymous user ---

ALLOW = {"x-stack-allow-anonymous-user": "true"}


def test_an_anonymous_user_stays_who_he_is(project: Project) -> None:
    anonymous = anonymous_session(project, display_name="Somebody", client_metadata={"cart": [1, 2]})
    before = read_user(project, anonymous["user_id"])
    email = new_email()
    time.sleep(0.01)
    answer = sign_up(project, email, headers={**ALLOW, "x-stack-access-token": anonymous["access_token"]})
    assert answer.status_code == 200
    assert answer.json()["user_id"] == anonymous["user_id"]
    user = read_user(project, anonymous["user_id"])
    assert (user["is_anonymous"], user["primary_email"], user["has_password"]) == (False, email, True)
    assert (user["display_name"], user["client_metadata"]) == ("Somebody", {"cart": [1, 2]})
    assert user["signed_up_at_millis"] > before["signed_up_at_millis"]
    assert claims_of(answer.json()["access_token"])["is_anonymous"] is False
    assert not refreshes(project, anonymous["refresh_token"])
    assert refreshes(project, answer.json()["refresh_token"])
    assert sign_in(project, email).json()["user_id"] == anonymous["user_id"]


def test_the_old_anonymous_token_shows_the_upgraded_user_and_upgrades_nobody_again(project: Project) -> None:
    anonymous = anonymous_session(project)
    headers = {**ALLOW, "x-stack-access-token": anonymous["access_token"]}
    email = new_email()
    sign_up(project, email, headers=headers)
    with project.http("client", anonymous["access_token"], **ALLOW) as client:
        assert client.get("/users/me").json()["primary_email"] == email
    second = sign_up(project, new_email(), headers=headers)
    assert second.status_code == 200
    assert second.json()["user_id"] != anonymous["user_id"]
    assert read_user(project, anonymous["user_id"])["primary_email"] == email


def test_without_the_allow_header_the_anonymous_token_is_refused(project: Project) -> None:
    anonymous = anonymous_session(project)
    answer = sign_up(project, new_email(), headers={"x-stack-access-token": anonymous["access_token"]})
    assert known_error(answer) == "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"


def test_a_taken_address_leaves_the_anonymous_user_as_he_was(project: Project) -> None:
    email = new_email()
    sign_up(project, email)
    anonymous = anonymous_session(project)
    answer = sign_up(project, email, headers={**ALLOW, "x-stack-access-token": anonymous["access_token"]})
    assert (answer.status_code, known_error(answer)) == (409, "USER_EMAIL_ALREADY_EXISTS")
    assert read_user(project, anonymous["user_id"])["is_anonymous"] is True
    assert refreshes(project, anonymous["refresh_token"])


def test_the_token_of_a_normal_user_is_ignored(project: Project) -> None:
    user = project.sign_up()
    answer = sign_up(project, new_email(), headers={"x-stack-access-token": user["access_token"]})
    assert answer.json()["user_id"] != user["user_id"]
    assert refreshes(project, user["refresh_token"])


def test_an_upgraded_user_with_a_second_factor_must_bring_it(project: Project) -> None:
    anonymous = anonymous_session(project)
    with project.http("server") as client:
        client.patch(f"/users/{anonymous['user_id']}", json={"totp_secret_base64": TOTP_SECRET})
    email = new_email()
    answer = sign_up(project, email, headers={**ALLOW, "x-stack-access-token": anonymous["access_token"]})
    assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert read_user(project, anonymous["user_id"])["primary_email"] == email


def test_upgrades_need_enabled_sign_up(server: RunningServer, own_project: Project) -> None:
    anonymous = anonymous_session(own_project)
    own_project.configure(sign_up_enabled=False)
    answer = sign_up(own_project, new_email(), headers={**ALLOW, "x-stack-access-token": anonymous["access_token"]})
    assert known_error(answer) == "SIGN_UP_NOT_ENABLED"
