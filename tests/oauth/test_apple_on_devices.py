"""Sign in with Apple inside an application on a device (contract 03 §7)."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx
import pytest

from tests.mfa.calls import finish, set_totp, totp
from tests.oauth.dance import me, new_project
from tests.providers.keys import any_rsa_key, claims, rsa_key, signed, unsigned, with_hmac
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

ISSUER = "https://appleid.apple.com"
BUNDLE = "com.example.shop"
APPLE = {
    "id": "apple",
    "type": "standard",
    "client_id": "web",
    "client_secret": "secret",
    "apple_bundle_ids": [BUNDLE, "com.example.other"],
}


@pytest.fixture(scope="module")
def apples(oauth_server: RunningServer) -> Project:
    return new_project(oauth_server, oauth_providers=[APPLE])


@pytest.fixture
def own_apples(oauth_server: RunningServer) -> Project:
    return new_project(oauth_server, oauth_providers=[APPLE])


def identity(**changed: Any) -> dict[str, Any]:
    unique = uuid.uuid4().hex[:12]
    given = {"sub": f"apple-{unique}", "email": f"apple-{unique}@example.com", "email_verified": "true", **changed}
    return claims(ISSUER, given.pop("aud", BUNDLE), **given)


def bring(project: Project, token: Any, access: str = "client", access_token: str | None = None, **headers: str) -> httpx.Response:
    with project.http(access, access_token, **headers) as client:
        return client.post("/auth/oauth/callback/apple/native", json={"id_token": token})


def token_of(payload: dict[str, Any]) -> str:
    return signed(payload, rsa_key("apple"))


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_somebody_new_signs_up_and_comes_again(apples: Project, access: str) -> None:
    payload = identity()
    first = bring(apples, token_of(payload), access)
    assert first.status_code == 200, first.text
    assert set(first.json()) == {"access_token", "refresh_token", "user_id", "is_new_user"}
    assert first.json()["is_new_user"] is True
    user = me(apples, first.json()["access_token"])
    assert (user["primary_email"], user["primary_email_verified"]) == (payload["email"], True)
    assert (user["display_name"], user["profile_image_url"]) == (None, None)
    assert user["oauth_providers"] == [{"id": "apple", "account_id": payload["sub"], "email": payload["email"]}]
    again = bring(apples, token_of(payload)).json()
    assert (again["is_new_user"], again["user_id"]) == (False, first.json()["user_id"])


@pytest.mark.parametrize(("given", "verified"), [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False)])
def test_only_a_clear_word_verifies_an_address(apples: Project, given: Any, verified: bool) -> None:
    answer = bring(apples, token_of(identity(email_verified=given)))
    assert me(apples, answer.json()["access_token"])["primary_email_verified"] is verified


def test_any_bundle_of_the_project_counts(apples: Project) -> None:
    assert bring(apples, token_of(identity(aud="com.example.other"))).status_code == 200


def test_an_anonymous_user_is_not_upgraded(apples: Project) -> None:
    with apples.http("client") as client:
        visitor = client.post("/auth/anonymous/sign-up").json()
    answer = bring(apples, token_of(identity()), access_token=visitor["access_token"], **{"x-stack-allow-anonymous-user": "true"})
    assert answer.json()["user_id"] != visitor["user_id"]


FORGED = {
    "another application": lambda: token_of(identity(aud="com.example.evil")),
    "the web client": lambda: token_of(identity(aud="web")),
    "another issuer": lambda: token_of(identity() | {"iss": "https://accounts.google.com"}),
    "expired": lambda: token_of(identity(exp=int(time.time()) - 3600)),
    "without expiry": lambda: token_of({name: value for name, value in identity().items() if name != "exp"}),
    "another key": lambda: signed(identity(), rsa_key("stranger"), kid="apple"),
    "an unknown key": lambda: signed(identity(), any_rsa_key("unknown")),
    "unsigned": lambda: unsigned(identity()),
    "signed with a public secret": lambda: with_hmac(identity(), b"secret"),
    "without subject": lambda: token_of({name: value for name, value in identity().items() if name != "sub"}),
    "an empty subject": lambda: token_of(identity(sub="")),
    "nonsense": lambda: "nonsense",
    "empty": lambda: "",
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_that_proves_nothing_is_refused(apples: Project, forged: str) -> None:
    """C12."""
    answer = bring(apples, FORGED[forged]())
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_APPLE_CREDENTIALS")


def test_no_session_before_the_second_factor(apples: Project) -> None:
    """B6: the contract lets users in without it here."""
    payload = identity()
    user_id = bring(apples, token_of(payload)).json()["user_id"]
    set_totp(apples, user_id)
    answer = bring(apples, token_of(payload))
    assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert finish(apples, answer.json()["details"]["attempt_code"], totp()).json()["user_id"] == user_id


def test_addresses_of_others_are_not_taken_over(apples: Project) -> None:
    """C6."""
    planted = apples.sign_up()
    answer = bring(apples, token_of(identity(email=planted["email"])))
    assert (answer.status_code, known_error(answer)) == (409, "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE")
    assert answer.json()["details"]["would_work_if_email_was_verified"] is True


def test_sign_up_may_be_off(own_apples: Project) -> None:
    payload = identity()
    assert bring(own_apples, token_of(payload)).status_code == 200
    own_apples.configure(sign_up_enabled=False)
    answer = bring(own_apples, token_of(identity()))
    assert (answer.status_code, known_error(answer)) == (400, "SIGN_UP_NOT_ENABLED")
    assert bring(own_apples, token_of(payload)).status_code == 200


def test_the_provider_must_be_configured_for_it(own_apples: Project) -> None:
    token = token_of(identity())
    own_apples.configure(oauth_providers=[{name: value for name, value in APPLE.items() if name != "apple_bundle_ids"}])
    answer = bring(own_apples, token)
    assert (answer.status_code, known_error(answer)) == (400, "APPLE_BUNDLE_ID_NOT_CONFIGURED")
    own_apples.configure(oauth_providers=[APPLE])
    own_apples.override("environment", **{"auth.oauth.providers.apple.allowSignIn": False})
    assert known_error(bring(own_apples, token)) == "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"
    own_apples.configure(oauth_providers=[])
    assert known_error(bring(own_apples, token)) == "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"


@pytest.mark.parametrize("body", [{}, {"id_token": None}, {"id_token": []}, {"id_token": "x", "user": {}}])
def test_malformed_requests_are_schema_errors(apples: Project, body: dict[str, Any]) -> None:
    with apples.http("client") as client:
        answer = client.post("/auth/oauth/callback/apple/native", json=body)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
