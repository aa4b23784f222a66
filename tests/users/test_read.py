"""`GET /users/me` and `GET /users/{user_id}`: who sees what (contract 05 §1.1, §2.1, §2.6)."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.server import Project
from tests.users.answers import CLIENT_FIELDS, NOBODY, SERVER_FIELDS, known_error, names_field, ok


def test_a_client_sees_its_user_in_the_client_shape(project: Project) -> None:
    user = project.sign_up("Ada.Lovelace+x@Example.com")
    with project.http("client", user["access_token"]) as client:
        me = ok(client.get("/users/me"))
    assert set(me) == CLIENT_FIELDS
    assert me["id"] == user["user_id"]
    assert me["primary_email"] == "ada.lovelace+x@example.com"
    assert (me["has_password"], me["otp_auth_enabled"], me["passkey_auth_enabled"], me["auth_with_email"]) == (True, False, False, True)
    assert (me["display_name"], me["profile_image_url"], me["client_metadata"], me["oauth_providers"]) == (None, None, None, [])
    assert abs(me["signed_up_at_millis"] - time.time() * 1000) < 60_000


@pytest.mark.parametrize("access", ["server", "admin"])
def test_the_access_type_decides_the_shape_of_me(project: Project, access: str) -> None:
    user = project.sign_up()
    with project.http(access, user["access_token"]) as client:
        me = ok(client.get("/users/me"))
        assert me == ok(client.get(f"/users/{user['user_id']}")) == ok(client.get("/users/me".replace("me", user["user_id"].upper())))
    assert set(me) == SERVER_FIELDS
    assert me["primary_email_auth_enabled"] is True
    assert me["risk_scores"] == {"sign_up": {"bot": 0, "free_trial_abuse": 0}}
    assert isinstance(me["last_active_at_millis"], int)


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_without_an_access_token_there_is_no_me(project: Project, access: str) -> None:
    user = project.sign_up()
    with project.http(access) as client:
        known_error(client.get("/users/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        answer = client.get("/users/me", headers={"x-stack-refresh-token": user["refresh_token"]})
        known_error(answer, 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_a_deleted_user_is_no_user(project: Project, as_server: httpx.Client) -> None:
    user = project.sign_up()
    ok(as_server.delete(f"/users/{user['user_id']}"))
    with project.http("client", user["access_token"]) as client:
        known_error(client.get("/users/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        known_error(client.patch("/users/me", json={}), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    with project.http("server", user["access_token"]) as client:
        known_error(client.delete("/users/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_a_client_reads_only_itself(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    with project.http("client", user["access_token"]) as client:
        for path in (f"/users/{other['user_id']}", f"/users/{user['user_id']}", "/users/no-uuid", "/users"):
            details = {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]}
            known_error(client.get(path), 401, "INSUFFICIENT_ACCESS_TYPE", details)


def test_without_credentials_nothing_is_read(project: Project) -> None:
    with project.server.http() as nobody:
        for path in ("/users/me", "/users", f"/users/{NOBODY}"):
            known_error(nobody.get(path), 400, "ACCESS_TYPE_REQUIRED")


def test_an_unknown_or_malformed_id_is_no_user(as_server: httpx.Client) -> None:
    known_error(as_server.get(f"/users/{NOBODY}"), 404, "USER_NOT_FOUND")
    known_error(as_server.get("/users/00000000-0000-0000-0000-000000000000"), 404, "USER_NOT_FOUND")
    for malformed in ("x", "Me", "0", NOBODY[:-1], f"{NOBODY}0", NOBODY.replace("4", "6", 1)):
        names_field(as_server.get(f"/users/{malformed}"), "params.user_id")


def test_a_user_of_another_project_is_not_found(project: Project, own_project: Project) -> None:
    stranger = own_project.create_user()
    with project.http("server") as client:
        for answer in (
            client.get(f"/users/{stranger['id']}"),
            client.patch(f"/users/{stranger['id']}", json={"display_name": "x", "password": "new password"}),
            client.delete(f"/users/{stranger['id']}"),
        ):
            known_error(answer, 404, "USER_NOT_FOUND")
    with own_project.http("server") as client:
        assert ok(client.get(f"/users/{stranger['id']}")) == stranger


def test_restricted_and_anonymous_users_are_readable_by_id(project: Project, as_server: httpx.Client) -> None:
    anonymous = project.create_user(is_anonymous=True)
    restricted = project.create_user(restricted_by_admin=True, restricted_by_admin_reason="spam")
    assert ok(as_server.get(f"/users/{anonymous['id']}"))["restricted_reason"] == {"type": "anonymous"}
    read = ok(as_server.get(f"/users/{restricted['id']}"))
    assert (read["is_restricted"], read["restricted_reason"]) == (True, {"type": "restricted_by_administrator"})


def test_list_parameters_are_ignored_and_unknown_ones_refused(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user()
    assert ok(as_server.get(f"/users/{user['id']}", params={"limit": "1", "desc": "true", "include_anonymous": "false"})) == user
    names_field(as_server.get(f"/users/{user['id']}", params={"nope": "1"}), "query")
    names_field(
        as_server.get("/users/me", params={"nope": "1"}, headers=project.headers("server", project.sign_up()["access_token"])), "query"
    )


def test_verification_requirement_restricts_at_once(own_project: Project) -> None:
    unverified = own_project.create_user(primary_email="a@b", primary_email_verified=False)
    without_email = own_project.create_user(restricted_by_admin=True)
    verified = own_project.create_user(primary_email="c@d", primary_email_verified=True)
    own_project.override("branch", onboarding__requireEmailVerification=True)
    with own_project.http("server") as client:
        reasons = [ok(client.get(f"/users/{user['id']}"))["restricted_reason"] for user in (unverified, without_email, verified)]
    assert reasons == [{"type": "email_not_verified"}, {"type": "email_not_verified"}, None]
