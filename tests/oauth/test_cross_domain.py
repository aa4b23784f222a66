"""A session is handed to another domain of the project (contract 03 §6)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.mfa.calls import set_totp
from tests.oauth.dance import Application
from tests.server import Project
from tests.sessions.tokens import claims_of, known_error

HOUR = 60 * 60 * 1000
OTHER_DOMAIN = "http://other.localhost:4000/callback?x=1"


def ask(project: Project, user: dict[str, Any], application: Application, access: str = "client", **changed: Any) -> httpx.Response:
    body = {
        "redirect_uri": application.redirect_uri,
        "state": application.state,
        "code_challenge": application.challenge,
        **changed,
    }
    headers = {"x-stack-refresh-token": user["refresh_token"]} if user.get("refresh_token") else {}
    with project.http(access, user.get("access_token"), **headers) as client:
        return client.post("/auth/oauth/cross-domain/authorize", json={name: value for name, value in body.items() if value is not None})


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return parse_qs(urlsplit(answer.json()["redirect_url"]).query)["code"][0]


@pytest.fixture
def application(shop: Project) -> Application:
    return Application(shop, redirect_uri=OTHER_DOMAIN)


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_other_domain_gets_the_same_session(shop: Project, application: Application, access: str) -> None:
    user = shop.sign_up()
    answer = ask(shop, user, application, access, after_callback_redirect_url="http://localhost/after", code_challenge_method="S256")
    assert set(answer.json()) == {"redirect_url"}
    code = code_of(answer)
    assert answer.json()["redirect_url"] == f"{OTHER_DOMAIN}&code={code}&state={application.state}"
    tokens = application.exchange(code).json()
    assert tokens["refresh_token"] == user["refresh_token"]
    assert (tokens["is_new_user"], tokens["after_callback_redirect_url"]) == (False, "http://localhost/after")
    assert claims_of(tokens["access_token"])["refresh_token_id"] == claims_of(user["access_token"])["refresh_token_id"]


def test_both_domains_sign_out_together(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    tokens = application.exchange(code_of(ask(shop, user, application))).json()
    with shop.http("client", tokens["access_token"]) as client:
        assert client.delete("/auth/sessions/current").status_code == 200
        refreshed = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": user["refresh_token"]})
    assert known_error(refreshed) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


def test_a_session_that_ended_meanwhile_is_replaced(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    code = code_of(ask(shop, user, application))
    with shop.http("client", user["access_token"]) as client:
        assert client.delete("/auth/sessions/current").status_code == 200
    tokens = application.exchange(code).json()
    assert tokens["refresh_token"] != user["refresh_token"]
    assert claims_of(tokens["access_token"])["sub"] == user["user_id"]


def test_a_new_password_leaves_no_way_back(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    code = code_of(ask(shop, user, application))
    with shop.http("server") as client:
        assert client.patch(f"/users/{user['user_id']}", json={"password": "a brand new password"}).status_code == 200
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


def new_session(project: Project, user_id: str, **body: Any) -> dict[str, Any]:
    with project.http("server") as client:
        return client.post("/auth/sessions", json={"user_id": user_id, "expires_in_millis": HOUR, **body}).json()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("impersonation", "lives"), [(False, True), (True, False)])
def test_the_year_begins_anew_but_not_for_impersonation(own_shop: Project, impersonation: bool, lives: bool) -> None:
    application = Application(own_shop, redirect_uri=OTHER_DOMAIN)
    user = own_shop.sign_up()
    session = new_session(own_shop, user["user_id"], is_impersonation=impersonation)
    assert application.exchange(code_of(ask(own_shop, session, application))).status_code == 200
    own_shop.server.shift_clock(2 * HOUR)
    try:
        with own_shop.http("client") as client:
            refreshed = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": session["refresh_token"]})
    finally:
        own_shop.server.shift_clock(0)
    assert (refreshed.status_code == 200) is lives


def test_a_second_factor_is_demanded(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    set_totp(shop, user["user_id"])
    answer = application.exchange(code_of(ask(shop, user, application)))
    assert known_error(answer) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"


def test_the_second_use_ends_the_session_everywhere(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    code = code_of(ask(shop, user, application))
    application.exchange(code)
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    with shop.http("client") as client:
        refreshed = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": user["refresh_token"]})
    assert known_error(refreshed) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


def test_somebody_must_be_signed_in(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    for given in ({}, {"refresh_token": user["refresh_token"]}):
        answer = ask(shop, given, application)
        assert (answer.status_code, known_error(answer)) == (401, "USER_AUTHENTICATION_REQUIRED")


def test_both_tokens_must_be_of_one_living_session(shop: Project, own_shop: Project, application: Application) -> None:
    user, other, foreign = shop.sign_up(), shop.sign_up(), own_shop.sign_up()
    second = new_session(shop, user["user_id"])
    missing = ask(shop, {"access_token": user["access_token"]}, application)
    assert (missing.status_code, known_error(missing)) == (400, None)
    for refresh_token in ("x" * 45, other["refresh_token"], second["refresh_token"], foreign["refresh_token"]):
        answer = ask(shop, {**user, "refresh_token": refresh_token}, application)
        assert (answer.status_code, known_error(answer)) == (401, None)
    with shop.http("client", user["access_token"]) as client:
        assert client.delete("/auth/sessions/current").status_code == 200
    assert ask(shop, user, application).status_code == 401


def test_an_expired_session_is_refused(shop: Project, application: Application) -> None:
    user = shop.sign_up()
    with shop.http("server") as client:
        body = {"user_id": user["user_id"], "expires_in_millis": 60_000}
        session = client.post("/auth/sessions", json=body).json()
    shop.server.shift_clock(61_000)
    try:
        answer = ask(shop, session, application)
    finally:
        shop.server.shift_clock(0)
    assert (answer.status_code, known_error(answer)) == (401, None)


def test_the_key_of_the_project_is_required_where_it_is(own_shop: Project) -> None:
    user, application = own_shop.sign_up(), Application(own_shop)
    own_shop.override("project", **{"project.requirePublishableClientKey": True})
    answer = ask(own_shop, user, application, "server")
    assert (answer.status_code, known_error(answer)) == (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT")
    assert ask(own_shop, user, application, "client").status_code == 200


@pytest.mark.parametrize("field", ["redirect_uri", "after_callback_redirect_url"])
@pytest.mark.parametrize("url", ["https://evil.example/", "https://localhost@evil.example/", "myapp://x", "javascript:alert(1)"])
def test_untrusted_targets_are_refused(shop: Project, application: Application, field: str, url: str) -> None:
    """C1, C2."""
    answer = ask(shop, shop.sign_up(), application, **{field: url})
    assert (answer.status_code, known_error(answer)) == (400, "REDIRECT_URL_NOT_WHITELISTED")


def test_an_application_on_a_device_is_a_target(shop: Project, application: Application) -> None:
    answer = ask(shop, shop.sign_up(), application, redirect_uri="stack-auth-mobile-oauth-url://done")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": None},
        {"redirect_uri": "nowhere"},
        {"state": None},
        {"state": ""},
        {"state": "x" * 513},
        {"state": "é"},
        {"code_challenge": None},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 129},
        {"code_challenge": "!" * 43},
        {"code_challenge_method": "plain"},
        {"after_callback_redirect_url": "nowhere"},
        {"unknown": "x"},
    ],
)
def test_malformed_requests_are_schema_errors(shop: Project, application: Application, changed: dict[str, Any]) -> None:
    answer = ask(shop, shop.sign_up(), application, **changed)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
