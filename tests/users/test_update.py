"""`PATCH /users/me` and `PATCH /users/{user_id}` (contract 05 §1.3, §1.6 to §1.8, §2.2, §2.7)."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import bcrypt
import httpx
import pytest

from tests.server import Project, new_email
from tests.users.answers import CLIENT_FIELDS, NOBODY, SERVER_FIELDS, known_error, names_field, ok, plain_error

SECRET = base64.b64encode(b"totp-secret-in-clear").decode()


def test_a_client_changes_its_own_user(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        before = ok(client.get("/users/me"))
        changed = ok(client.patch("/users/me", json={"display_name": "Ada", "client_metadata": {"theme": "dark"}}))
        assert set(changed) == CLIENT_FIELDS
        assert changed == {**before, "display_name": "Ada", "client_metadata": {"theme": "dark"}} == ok(client.get("/users/me"))
        assert ok(client.patch("/users/me", json={})) == changed
        assert ok(client.patch("/users/me", json={"display_name": "", "client_metadata": None})) == before


@pytest.mark.parametrize("access", ["server", "admin"])
def test_a_server_changes_everything(project: Project, access: str) -> None:
    user = project.create_user()
    body: dict[str, Any] = {
        "display_name": "Bob",
        "profile_image_url": "http://example.com/b.png",
        "client_metadata": [1],
        "client_read_only_metadata": {"x": None},
        "server_metadata": False,
        "country_code": "us",
        "risk_scores": {"sign_up": {"bot": 100, "free_trial_abuse": 1}},
    }
    with project.http(access) as client:
        changed = ok(client.patch(f"/users/{user['id']}", json=body))
        assert set(changed) == SERVER_FIELDS
        assert changed == {**user, **body, "country_code": "US"}
        cleared = {name: None for name in body if name != "risk_scores"}
        assert ok(client.patch(f"/users/{user['id']}", json=cleared)) == {**user, "risk_scores": body["risk_scores"]}


def test_absent_is_not_null(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user(display_name="Ada", primary_email="x@y", client_metadata={"a": 1}, country_code="AT")
    assert ok(as_server.patch(f"/users/{user['id']}", json={})) == user


def test_me_takes_what_the_access_type_may(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as server:
        changed = ok(server.patch("/users/me", json={"server_metadata": 1, "primary_email_verified": True}))
        assert (changed["server_metadata"], changed["primary_email_verified"]) == (1, True)
        assert ok(server.patch("/users/me", json={"country_code": "de"}))["country_code"] == "DE"


def test_nobody_is_updated_without_a_token(project: Project) -> None:
    for access in ("client", "server"):
        with project.http(access) as client:
            known_error(client.patch("/users/me", json={}), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_an_unknown_user_is_not_found(as_server: httpx.Client) -> None:
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
    for body in ({}, {"display_name": "x"}, {"password": "new password"}, {"password_hash": hashed}, {"password": None}):
        known_error(as_server.patch(f"/users/{NOBODY}", json=body), 404, "USER_NOT_FOUND")
    plain_error(as_server.patch(f"/users/{NOBODY}", json={"password": "x", "password_hash": hashed}), 400)
    plain_error(as_server.patch(f"/users/{NOBODY}", json={"password_hash": "x"}), 400)
    names_field(as_server.patch("/users/x", json={}), "params.user_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_anonymous": True}, "body.is_anonymous"),
        ({"oauth_providers": []}, "oauth_providers"),
        ({"selected_team_id": "x"}, "body.selected_team_id"),
        ({"display_name": 5, "country_code": "Germany"}, "body.country_code"),
        ({"id": str(uuid.uuid4())}, "id"),
        ({"has_password": True}, "has_password"),
        ({"restricted_by_admin_reason": "x"}, "body.restricted_by_admin_reason"),
    ],
)
def test_what_does_not_fit_is_named(project: Project, as_server: httpx.Client, body: dict[str, Any], field: str) -> None:
    user = project.create_user()
    names_field(as_server.patch(f"/users/{user['id']}", json=body), field)
    assert ok(as_server.get(f"/users/{user['id']}")) == user


def test_a_new_password_ends_all_sessions(project: Project, as_server: httpx.Client) -> None:
    hashed = bcrypt.hashpw(b"imported pass", bcrypt.gensalt(4)).decode()
    for body, works in (
        ({"password": "another pass"}, "another pass"),
        ({"password_hash": hashed}, "imported pass"),
        ({"password": None}, None),
    ):
        user = project.sign_up()
        changed = ok(as_server.patch(f"/users/{user['user_id']}", json=body))
        assert changed["has_password"] is (works is not None)
        assert ok(as_server.get("/auth/sessions", params={"user_id": user["user_id"]}))["items"] == []
        with project.http("client") as client:
            sign_in = {"email": user["email"], "password": user["password"]}
            known_error(client.post("/auth/password/sign-in", json=sign_in), 400, "EMAIL_PASSWORD_MISMATCH")
            if works is not None:
                ok(client.post("/auth/password/sign-in", json={**sign_in, "password": works}))


def test_other_changes_end_no_session(project: Project, as_server: httpx.Client) -> None:
    user = project.sign_up()
    ok(as_server.patch(f"/users/{user['user_id']}", json={"display_name": "x", "restricted_by_admin": True, "totp_secret_base64": SECRET}))
    assert len(ok(as_server.get("/auth/sessions", params={"user_id": user["user_id"]}))["items"]) == 1


def test_a_first_password_needs_an_address(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user()
    plain_error(as_server.patch(f"/users/{user['id']}", json={"password": "some pass"}), 400)
    assert ok(as_server.patch(f"/users/{user['id']}", json={"password": "some pass", "primary_email": new_email()}))["has_password"] is True
    without = ok(as_server.patch(f"/users/{user['id']}", json={"primary_email": None, "password": "replaced"}))
    assert (without["has_password"], without["primary_email"]) == (True, None)


def test_a_first_password_needs_the_projects_consent(own_project: Project) -> None:
    with_password = own_project.create_user(primary_email="a@b", password="x")
    without = own_project.create_user(primary_email="c@d")
    own_project.configure(credential_enabled=False)
    with own_project.http("server") as client:
        plain_error(client.patch(f"/users/{without['id']}", json={"password": "some pass"}), 400)
        assert ok(client.patch(f"/users/{with_password['id']}", json={"password": "some pass"}))["has_password"] is True


def test_otp_is_switched_by_anyone_who_may(own_project: Project) -> None:
    user = own_project.sign_up()
    with own_project.http("client", user["access_token"]) as client:
        plain_error(client.patch("/users/me", json={"otp_auth_enabled": True}), 400)
        assert ok(client.patch("/users/me", json={"otp_auth_enabled": False}))["otp_auth_enabled"] is False
        own_project.configure(magic_link_enabled=True)
        assert ok(client.patch("/users/me", json={"otp_auth_enabled": True}))["otp_auth_enabled"] is True
        own_project.configure(magic_link_enabled=False)
        assert ok(client.patch("/users/me", json={"otp_auth_enabled": True}))["otp_auth_enabled"] is True  # it is on already
        assert ok(client.patch("/users/me", json={"otp_auth_enabled": False}))["otp_auth_enabled"] is False


def test_a_passkey_is_registered_not_declared(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        plain_error(client.patch("/users/me", json={"passkey_auth_enabled": True}), 400)
        assert ok(client.patch("/users/me", json={"passkey_auth_enabled": False}))["passkey_auth_enabled"] is False


def test_a_totp_secret_switches_the_second_factor(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        assert ok(client.patch("/users/me", json={"totp_secret_base64": SECRET}))["requires_totp_mfa"] is True
        sign_in = client.post("/auth/password/sign-in", json={"email": user["email"], "password": user["password"]})
        assert sign_in.headers.get("x-stack-known-error") == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
        assert ok(client.patch("/users/me", json={"totp_secret_base64": None}))["requires_totp_mfa"] is False
        ok(client.post("/auth/password/sign-in", json={"email": user["email"], "password": user["password"]}))


def test_a_totp_secret_is_not_kept_in_clear(project: Project) -> None:
    project.create_user(totp_secret_base64=SECRET)
    if project.server.database == "sqlite":
        stored = b"".join(path.read_bytes() for path in project.server.data_dir.iterdir() if "db" in path.name or "sqlite" in path.name)
        assert stored
        assert SECRET.encode() not in stored
        assert b"totp-secret-in-clear" not in stored


@pytest.mark.parametrize("image", ["https://example.com/x.png", "data:image/png;base64,aGk=", "ftp://x/y"])
def test_a_client_sets_no_web_image(project: Project, image: str) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        plain_error(client.patch("/users/me", json={"profile_image_url": image}), 400)
        assert ok(client.patch("/users/me", json={"profile_image_url": None}))["profile_image_url"] is None


def test_restricting_and_releasing(project: Project, as_server: httpx.Client) -> None:
    path = f"/users/{project.create_user()['id']}"
    reasons = {"restricted_by_admin_reason": "spam", "restricted_by_admin_private_details": "rule 7"}
    restricted = ok(as_server.patch(path, json={"restricted_by_admin": True, **reasons}))
    assert {name: restricted[name] for name in reasons} == reasons
    names_field(as_server.patch(path, json={"restricted_by_admin_reason": "other"}), "body.restricted_by_admin_reason")
    resent = ok(as_server.patch(path, json={"restricted_by_admin": True, "restricted_by_admin_reason": ""}))
    assert (resent["restricted_by_admin_reason"], resent["restricted_by_admin_private_details"]) == (None, "rule 7")
    released = ok(as_server.patch(path, json={"restricted_by_admin": False}))
    assert (released["restricted_by_admin_private_details"], released["is_restricted"]) == (None, False)


def test_a_team_is_selected_by_its_members_only(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    user, other = own_project.sign_up(), own_project.sign_up()
    with own_project.http("client", user["access_token"]) as client, own_project.http("client", other["access_token"]) as stranger:
        mine, foreign = (ok(each.get("/users/me"))["selected_team_id"] for each in (client, stranger))
        assert ok(client.patch("/users/me", json={"selected_team_id": None}))["selected_team"] is None
        for team_id in (foreign, NOBODY):
            answer = client.patch("/users/me", json={"selected_team_id": team_id, "display_name": "half done"})
            known_error(answer, 404, "TEAM_MEMBERSHIP_NOT_FOUND", {"team_id": team_id, "user_id": user["user_id"]})
        me = ok(client.get("/users/me"))
        assert (me["selected_team_id"], me["display_name"]) == (None, None)
        selected = ok(client.patch("/users/me", json={"selected_team_id": mine.upper()}))["selected_team"]
        assert set(selected) == {"id", "display_name", "profile_image_url", "client_metadata", "client_read_only_metadata"}
        assert selected["id"] == mine


def test_an_anonymous_user_becomes_a_normal_one(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    with own_project.http("server") as client:
        for body, team in (({"display_name": "Ada"}, "Ada's Team"), ({"primary_email": "Q@x"}, "q@x's Team"), ({}, "Personal Team")):
            user = own_project.create_user(is_anonymous=True, client_metadata={"cart": 3})
            changed = ok(client.patch(f"/users/{user['id']}", json={"is_anonymous": False, **body}))
            assert (changed["is_anonymous"], changed["is_restricted"], changed["client_metadata"]) == (False, False, {"cart": 3})
            assert changed["selected_team"]["display_name"] == team
            assert changed["signed_up_at_millis"] >= user["signed_up_at_millis"]
            again = ok(client.patch(f"/users/{user['id']}", json={"is_anonymous": False, "display_name": "Later"}))
            assert (again["selected_team"]["display_name"], again["signed_up_at_millis"]) == (team, changed["signed_up_at_millis"])


def test_an_anonymous_user_signs_up_and_stays_himself(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    user = own_project.create_user(is_anonymous=True, display_name="Guest", client_metadata={"cart": 3}, country_code="FR")
    taken = own_project.sign_up()
    with own_project.http("server") as server:
        tokens = ok(server.post("/auth/sessions", json={"user_id": user["id"]}))
        headers = own_project.headers("client", tokens["access_token"]) | {"x-stack-allow-anonymous-user": "true"}
        with own_project.server.http(headers) as client:
            refused = client.post("/auth/password/sign-up", json={"email": taken["email"], "password": "long enough"})
            details = {"email": taken["email"], "would_work_if_email_was_verified": False}
            known_error(refused, 409, "USER_EMAIL_ALREADY_EXISTS", details)
            assert ok(client.get("/users/me"))["is_anonymous"] is True
            signed_up = ok(client.post("/auth/password/sign-up", json={"email": "Guest@Example.com", "password": "long enough"}))
        assert signed_up["user_id"] == user["id"]
        read = ok(server.get(f"/users/{user['id']}"))
        assert (read["is_anonymous"], read["display_name"], read["client_metadata"], read["country_code"]) == (
            False,
            "Guest",
            {"cart": 3},
            "FR",
        )
        assert (read["primary_email"], read["primary_email_auth_enabled"], read["has_password"]) == ("guest@example.com", True, True)
        assert read["selected_team"]["display_name"] in ("Guest's Team", "guest@example.com's Team")
        assert len(ok(server.get("/auth/sessions", params={"user_id": user["id"]}))["items"]) == 1
