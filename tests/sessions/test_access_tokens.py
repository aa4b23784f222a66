"""What access tokens say (contract 01 §1): exactly these claims, of the user as he is when the token is issued."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import claims_of, header_of, key_set, verify


def session_of(project: Project, user_id: str) -> dict[str, Any]:
    with project.http("server") as client:
        answer = client.post("/auth/sessions", json={"user_id": user_id})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def refresh(project: Project, refresh_token: str) -> str:
    with project.http("client") as client:
        answer = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": refresh_token})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]  # type: ignore[no-any-return]


def test_a_new_users_token_has_exactly_these_claims(server: RunningServer, project: Project) -> None:
    before = int(time.time())
    user = project.sign_up()
    claims = claims_of(user["access_token"])
    issued_at = claims["iat"]
    assert before <= issued_at <= time.time()
    with project.http("server") as client:
        signed_up_at = client.get(f"/users/{user['user_id']}").json()["signed_up_at_millis"]
    assert claims == {
        "iss": f"{server.base_url}/api/v1/projects/{project.id}",
        "aud": project.id,
        "sub": user["user_id"],
        "iat": issued_at,
        "exp": issued_at + 600,
        "project_id": project.id,
        "branch_id": "main",
        "refresh_token_id": claims["refresh_token_id"],
        "role": "authenticated",
        "name": None,
        "email": user["email"],
        "email_verified": False,
        "selected_team_id": None,
        "signed_up_at": signed_up_at // 1000,
        "is_anonymous": False,
        "is_restricted": False,
        "restricted_reason": None,
        "requires_totp_mfa": False,
    }


def test_the_header_names_algorithm_and_key_and_nothing_else(server: RunningServer, project: Project) -> None:
    header = header_of(project.sign_up()["access_token"])
    assert set(header) == {"alg", "kid"}
    assert header["alg"] == "ES256"
    assert header["kid"] == key_set(server, project.id)[0]["kid"]


def test_an_independent_library_verifies_the_token(server: RunningServer, project: Project) -> None:
    user = project.sign_up()
    assert verify(user["access_token"], key_set(server, project.id))["sub"] == user["user_id"]


def test_claims_are_those_of_the_fresh_user(project: Project) -> None:
    user = project.create_user(display_name="Ada", primary_email=new_email(), primary_email_verified=True)
    tokens = session_of(project, user["id"])
    first = claims_of(tokens["access_token"])
    assert (first["name"], first["email"], first["email_verified"]) == ("Ada", user["primary_email"], True)
    with project.http("server") as client:
        client.patch(f"/users/{user['id']}", json={"display_name": "Ada Lovelace", "totp_secret_base64": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    second = claims_of(refresh(project, tokens["refresh_token"]))
    assert (second["name"], second["requires_totp_mfa"]) == ("Ada Lovelace", True)
    assert second["refresh_token_id"] == first["refresh_token_id"]


def test_a_user_without_email_has_null_and_false(project: Project) -> None:
    claims = claims_of(session_of(project, project.create_user()["id"])["access_token"])
    assert (claims["email"], claims["email_verified"], claims["name"]) == (None, False, None)


@pytest.mark.parametrize(
    ("fields", "suffix", "path", "anonymous", "reason"),
    [
        ({"is_anonymous": True}, ":anon", "projects-anonymous-users", True, "anonymous"),
        ({"restricted_by_admin": True}, ":restricted", "projects-restricted-users", False, "restricted_by_administrator"),
    ],
)
def test_each_user_type_has_its_own_audience_issuer_and_keys(
    server: RunningServer, project: Project, fields: dict[str, Any], suffix: str, path: str, anonymous: bool, reason: str
) -> None:
    token = session_of(project, project.create_user(**fields)["id"])["access_token"]
    claims = claims_of(token)
    assert claims["aud"] == project.id + suffix
    assert claims["iss"] == f"{server.base_url}/api/v1/{path}/{project.id}"
    assert (claims["is_anonymous"], claims["is_restricted"], claims["restricted_reason"]) == (anonymous, True, {"type": reason})
    assert header_of(token)["kid"] not in [key["kid"] for key in key_set(server, project.id)]
    assert verify(token, key_set(server, project.id, include_anonymous="true"))["sub"] == claims["sub"]


def test_an_unverified_address_restricts_where_the_project_demands_verification(own_project: Project) -> None:
    own_project.override("environment", **{"onboarding.requireEmailVerification": True})
    claims = claims_of(own_project.sign_up()["access_token"])
    assert claims["restricted_reason"] == {"type": "email_not_verified"}
    assert claims["aud"] == f"{own_project.id}:restricted"


def test_the_issuer_is_the_configured_origin_whatever_was_called(server: RunningServer, project: Project) -> None:
    user = project.sign_up()
    answer = httpx.post(
        f"http://localhost:{server.port}/api/latest/auth/sessions/current/refresh",
        headers=project.headers("client") | {"x-stack-refresh-token": user["refresh_token"]},
    )
    assert claims_of(answer.json()["access_token"])["iss"] == f"{server.base_url}/api/v1/projects/{project.id}"
