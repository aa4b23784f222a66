"""`POST /users` (contract 05 §1.3 to §1.9, §2.5)."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import bcrypt
import httpx
import pytest

from tests.server import Project, new_email
from tests.users.answers import SERVER_FIELDS, known_error, names_field, ok, plain_error


def test_an_empty_body_makes_a_user(as_server: httpx.Client) -> None:
    user = ok(as_server.post("/users", json={}), 201)
    assert set(user) == SERVER_FIELDS
    assert uuid.UUID(user["id"]).version == 4
    assert user["signed_up_at_millis"] == user["last_active_at_millis"]
    expected: dict[str, Any] = {
        "display_name": None,
        "primary_email": None,
        "primary_email_verified": False,
        "primary_email_auth_enabled": False,
        "profile_image_url": None,
        "has_password": False,
        "otp_auth_enabled": False,
        "passkey_auth_enabled": False,
        "auth_with_email": False,
        "requires_totp_mfa": False,
        "client_metadata": None,
        "client_read_only_metadata": None,
        "server_metadata": None,
        "oauth_providers": [],
        "selected_team_id": None,
        "selected_team": None,
        "is_anonymous": False,
        "is_restricted": False,
        "restricted_reason": None,
        "restricted_by_admin": False,
        "restricted_by_admin_reason": None,
        "restricted_by_admin_private_details": None,
        "country_code": None,
        "risk_scores": {"sign_up": {"bot": 0, "free_trial_abuse": 0}},
    }
    assert {name: user[name] for name in expected} == expected
    assert ok(as_server.get(f"/users/{user['id']}")) == user


def test_every_field_is_kept(as_admin: httpx.Client) -> None:
    email = new_email()
    body = {
        "display_name": "Ada \U0001f98a",
        "profile_image_url": "https://example.com/ada.png?x=1#y",
        "client_metadata": {"a": [1, None]},
        "client_read_only_metadata": "text",
        "server_metadata": 5,
        "primary_email": email.upper(),
        "primary_email_verified": True,
        "primary_email_auth_enabled": True,
        "password": "short",
        "totp_secret_base64": base64.b64encode(b"0123456789").decode(),
        "passkey_auth_enabled": True,
        "restricted_by_admin": True,
        "restricted_by_admin_reason": "spam",
        "restricted_by_admin_private_details": "",
        "country_code": " at ",
        "risk_scores": {"sign_up": {"bot": 7, "free_trial_abuse": 100}},
        "is_anonymous": False,
    }
    user = ok(as_admin.post("/users", json=body), 201)
    kept = ("display_name", "profile_image_url", "client_metadata", "client_read_only_metadata", "server_metadata", "risk_scores")
    assert {name: user[name] for name in kept} == {name: body[name] for name in kept}
    assert (user["primary_email"], user["primary_email_verified"], user["primary_email_auth_enabled"]) == (email, True, True)
    assert (user["has_password"], user["country_code"], user["restricted_by_admin_reason"]) == (True, "AT", "spam")
    assert user["restricted_by_admin_private_details"] is None
    assert (user["requires_totp_mfa"], user["passkey_auth_enabled"]) == (False, False)
    assert ok(as_admin.get(f"/users/{user['id']}")) == user


def test_an_empty_display_name_is_none(project: Project) -> None:
    assert project.create_user(display_name="")["display_name"] is None


def test_a_created_user_signs_in_with_his_password(project: Project) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password="pass")
    with project.http("client") as client:
        ok(client.post("/auth/password/sign-in", json={"email": email, "password": "pass"}))
        known_error(client.post("/auth/password/sign-in", json={"email": email, "password": "Pass"}), 400, "EMAIL_PASSWORD_MISMATCH")


def test_a_password_of_many_bytes_works(project: Project) -> None:
    email, password = new_email(), "\u00e4\u20ac" * 35
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password=password)
    with project.http("client") as client:
        ok(client.post("/auth/password/sign-in", json={"email": email, "password": password}))


def test_an_imported_hash_signs_in(project: Project) -> None:
    email = new_email()
    hashed = bcrypt.hashpw(b"imported", bcrypt.gensalt(4)).decode()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=hashed)
    with project.http("client") as client:
        for _ in range(2):  # by the imported hash, then by the one that replaced it
            ok(client.post("/auth/password/sign-in", json={"email": email, "password": "imported"}))
        wrong = client.post("/auth/password/sign-in", json={"email": email, "password": "imported2"})
        known_error(wrong, 400, "EMAIL_PASSWORD_MISMATCH")


@pytest.mark.parametrize("bad", ["x", "$2b$10$short", "$2b$17$" + "a" * 53, "$2x$10$" + "a" * 53, "$argon2id$v=19$m=1,t=1,p=1$YQ$YQ"])
def test_a_hash_that_is_not_bcrypt_is_refused(as_server: httpx.Client, bad: str) -> None:
    plain_error(as_server.post("/users", json={"password_hash": bad}), 400)


def test_password_and_hash_exclude_each_other(as_server: httpx.Client) -> None:
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
    plain_error(as_server.post("/users", json={"password": "x", "password_hash": hashed}), 400)
    plain_error(as_server.post("/users", json={"password": None, "password_hash": hashed}), 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"display_name": "x" * 257}, "body.display_name"),
        ({"display_name": "\U0001f98a" * 129}, "body.display_name"),
        ({"display_name": "nul\0"}, "body.display_name"),
        ({"profile_image_url": ""}, "body.profile_image_url"),
        ({"profile_image_url": "no url"}, "body.profile_image_url"),
        ({"profile_image_url": "https://a b"}, "body.profile_image_url"),
        ({"profile_image_url": "https://a/" + "x" * 1_000_000}, "body.profile_image_url"),
        ({"primary_email": ""}, "body.primary_email"),
        ({"primary_email": "no address"}, "body.primary_email"),
        ({"primary_email": "a@b\n"}, "body.primary_email"),
        ({"primary_email_verified": None}, "body.primary_email_verified"),
        ({"primary_email_auth_enabled": "yes"}, "body.primary_email_auth_enabled"),
        ({"password": "x" * 71}, "body.password"),
        ({"password_hash": ""}, "body.password_hash"),
        ({"password_hash": None}, "body.password_hash"),
        ({"otp_auth_enabled": None}, "body.otp_auth_enabled"),
        ({"totp_secret_base64": "abc"}, "body.totp_secret_base64"),
        ({"totp_secret_base64": "ab-_"}, "body.totp_secret_base64"),
        ({"country_code": "DEU"}, "body.country_code"),
        ({"country_code": "d\u0131"}, "body.country_code"),
        ({"country_code": "\u00df"}, "body.country_code"),
        ({"risk_scores": {}}, "body.risk_scores.sign_up"),
        ({"risk_scores": {"sign_up": {"bot": 1}}}, "body.risk_scores.sign_up.free_trial_abuse"),
        ({"risk_scores": {"sign_up": {"bot": 101, "free_trial_abuse": 0}}}, "body.risk_scores.sign_up.bot"),
        ({"risk_scores": {"sign_up": {"bot": -1, "free_trial_abuse": 0}}}, "body.risk_scores.sign_up.bot"),
        ({"risk_scores": {"sign_up": {"bot": 1.5, "free_trial_abuse": 0}}}, "body.risk_scores.sign_up.bot"),
        ({"risk_scores": None}, "body.risk_scores"),
        ({"restricted_by_admin_reason": "why"}, "body.restricted_by_admin_reason"),
        ({"restricted_by_admin": False, "restricted_by_admin_private_details": "why"}, "body.restricted_by_admin_private_details"),
        ({"oauth_providers": [{"id": "x"}]}, "body.oauth_providers[0].account_id"),
        ({"oauth_providers": [{"id": "x", "account_id": "y", "more": 1}]}, "body.oauth_providers[0]"),
        ({"oauth_providers": None}, "body.oauth_providers"),
        ({"selected_team_id": None}, "selected_team_id"),
        ({"is_anonymous": None}, "body.is_anonymous"),
    ],
)
def test_what_does_not_fit_is_named(as_server: httpx.Client, body: dict[str, object], field: str) -> None:
    names_field(as_server.post("/users", json=body), field)


def test_a_body_is_needed(as_server: httpx.Client) -> None:
    known_error(as_server.post("/users"), 400, "SCHEMA_ERROR")
    known_error(as_server.post("/users", content=b"{", headers={"content-type": "application/json"}), 400, "BODY_PARSING_ERROR")
    bodies: list[Any] = [[], "x", 1, None]
    for body in bodies:
        known_error(as_server.post("/users", json=body), 400, "SCHEMA_ERROR")


@pytest.mark.parametrize("flag", ["primary_email_verified", "primary_email_auth_enabled"])
def test_flags_need_an_address(as_server: httpx.Client, flag: str) -> None:
    plain_error(as_server.post("/users", json={flag: True}), 400)
    assert ok(as_server.post("/users", json={flag: False}), 201)[flag] is False
    assert ok(as_server.post("/users", json={flag: True, "primary_email": None}), 201)[flag] is False


def test_a_sign_in_address_belongs_to_one_user(project: Project, as_server: httpx.Client) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=True)
    again = as_server.post("/users", json={"primary_email": email.upper(), "primary_email_auth_enabled": True, "display_name": "second"})
    known_error(again, 409, "USER_EMAIL_ALREADY_EXISTS", {"email": email, "would_work_if_email_was_verified": False})
    assert ok(as_server.get("/users", params={"query": email}))["items"][0]["display_name"] is None
    assert project.create_user(primary_email=email)["primary_email"] == email


def test_two_projects_know_the_same_address(project: Project, own_project: Project) -> None:
    email = new_email()
    for each in (project, own_project):
        assert each.create_user(primary_email=email, primary_email_auth_enabled=True)["primary_email"] == email


def test_passwords_and_codes_need_the_projects_consent(own_project: Project) -> None:
    own_project.configure(credential_enabled=False)
    with own_project.http("server") as client:
        plain_error(client.post("/users", json={"password": "pass"}), 400)
        plain_error(client.post("/users", json={"otp_auth_enabled": True}), 400)
        assert ok(client.post("/users", json={"password": None, "otp_auth_enabled": False}), 201)["has_password"] is False
    own_project.configure(magic_link_enabled=True)
    user = own_project.create_user(otp_auth_enabled=True)
    assert (user["otp_auth_enabled"], user["auth_with_email"]) == (True, True)


@pytest.mark.parametrize(
    "image", ["data:image/png;base64,aGk=", "ftp://x/y", "file:///etc/passwd", "javascript:alert(1)", "java\nscript:alert(1)"]
)
def test_images_are_web_addresses(as_server: httpx.Client, image: str) -> None:
    plain_error(as_server.post("/users", json={"profile_image_url": image}), 400)


def test_accounts_at_providers_are_linked(own_project: Project) -> None:
    provider = {"type": "github", "isShared": True, "allowSignIn": True, "allowConnectedAccounts": True}
    own_project.override(
        "environment", **{"auth.oauth.providers.github": provider, "auth.oauth.providers.google": {**provider, "type": "google"}}
    )
    github, google = {"id": "github", "account_id": "1 \" '", "email": "G@x"}, {"id": "google", "account_id": "2", "email": None}
    with own_project.http("server") as client:
        user = ok(client.post("/users", json={"oauth_providers": [github, {"id": "google", "account_id": 2}]}), 201)
        assert sorted(user["oauth_providers"], key=lambda account: account["id"]) == [github, google]
        plain_error(client.post("/users", json={"oauth_providers": [{"id": "gitlab", "account_id": "1"}]}), 400)
        plain_error(client.post("/users", json={"oauth_providers": [github, {**github, "account_id": "3"}]}), 400)
        plain_error(client.post("/users", json={"oauth_providers": [github]}), 400)
        assert len(ok(client.get("/users"))["items"]) == 1


def test_a_new_user_gets_his_team_and_permissions(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    with own_project.http("server") as client:
        for body, name in (
            ({"display_name": "Ada", "primary_email": "a@b"}, "Ada's Team"),
            ({"primary_email": "A@b"}, "a@b's Team"),
            ({"is_anonymous": True}, "Personal Team"),
        ):
            created = ok(client.post("/users", json=body), 201)
            assert (created["selected_team"], created["selected_team_id"]) == (None, None)
            read = ok(client.get(f"/users/{created['id']}"))
            team = read["selected_team"]
            assert read == {**created, "selected_team": team, "selected_team_id": team["id"]}
            assert team == {
                "id": team["id"],
                "display_name": name,
                "profile_image_url": None,
                "client_metadata": None,
                "client_read_only_metadata": None,
                "server_metadata": None,
                "created_at_millis": created["signed_up_at_millis"],
            }
            members = ok(client.get("/users", params={"team_id": team["id"], "include_anonymous": "true"}))["items"]
            assert [member["id"] for member in members] == [created["id"]]


def test_clients_create_nobody(project: Project) -> None:
    with project.http("client", project.sign_up()["access_token"]) as client:
        known_error(
            client.post("/users", json={"nonsense": 1}),
            401,
            "INSUFFICIENT_ACCESS_TYPE",
            {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]},
        )
