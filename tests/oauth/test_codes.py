"""An authorization code becomes a session, once (contract 03 §5.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.doubles.idp import IdentityProvider
from tests.mfa.calls import finish, set_totp, totp
from tests.oauth.dance import NO_KEY, Application, me, person, sign_in
from tests.server import Project
from tests.sessions.tokens import claims_of, known_error

MINUTE = 60_000
OTHER_VERIFIER = "x" * 43


def refresh(project: Project, refresh_token: str) -> httpx.Response:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": project.id,
        "client_secret": project.publishable_client_key,
    }
    with project.server.http() as client:
        return client.post("/auth/oauth/token", data=form)


def session_ids(project: Project, user_id: str) -> list[str]:
    with project.http("server") as client:
        return [each["id"] for each in client.get("/auth/sessions", params={"user_id": user_id}).json()["items"]]


def test_the_answer_has_exactly_this_form(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    code = application.code_for(idp, person(), after_callback_redirect_url="http://localhost:3000/after")
    answer = application.exchange(code)
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    body = answer.json()
    assert body == {
        "access_token": body["access_token"],
        "refresh_token": body["refresh_token"],
        "token_type": "Bearer",
        "expires_in": 3599,
        "scope": "legacy",
        "is_new_user": True,
        "newUser": True,
        "after_callback_redirect_url": "http://localhost:3000/after",
        "afterCallbackRedirectUrl": "http://localhost:3000/after",
    }
    assert refresh(shop, body["refresh_token"]).status_code == 200
    assert me(shop, body["access_token"])["id"] == claims_of(body["access_token"])["sub"]


@pytest.mark.parametrize("secret", ["{key}", NO_KEY, None])
def test_a_public_client_needs_no_key(shop: Project, idp: IdentityProvider, secret: str | None) -> None:
    application = Application(shop)
    given = shop.publishable_client_key if secret == "{key}" else secret
    assert application.exchange(application.code_for(idp, person()), client_secret=given).status_code == 200


def test_a_session_that_came_of_it_is_ended_by_the_second_use(shop: Project, idp: IdentityProvider) -> None:
    """C5: one of the two is a thief."""
    application = Application(shop)
    code = application.code_for(idp, person())
    tokens = application.exchange(code).json()
    again = application.exchange(code)
    assert (again.status_code, known_error(again)) == (400, "INVALID_AUTHORIZATION_CODE")
    assert known_error(refresh(shop, tokens["refresh_token"])) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


def test_other_sessions_stay_when_a_code_is_used_twice(shop: Project, idp: IdentityProvider) -> None:
    profile, application = person(), Application(shop)
    first = application.sign_in(idp, profile)
    code = application.code_for(idp, profile)
    application.exchange(code)
    application.exchange(code)
    assert refresh(shop, first["refresh_token"]).status_code == 200


def test_the_second_use_is_seen_after_the_code_would_have_expired(own_shop: Project, idp: IdentityProvider) -> None:
    application = Application(own_shop)
    code = application.code_for(idp, person())
    tokens = application.exchange(code).json()
    own_shop.server.shift_clock(30 * MINUTE)
    try:
        assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    finally:
        own_shop.server.shift_clock(0)
    assert known_error(refresh(own_shop, tokens["refresh_token"])) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


@pytest.mark.parametrize("verifier", [OTHER_VERIFIER, "", None, "{challenge}"])
def test_a_code_is_of_no_use_without_its_verifier(shop: Project, idp: IdentityProvider, verifier: str | None) -> None:
    """C3, C5: who steals a code has no verifier; and has one try."""
    application, profile = Application(shop), person()
    code = application.code_for(idp, profile)
    given = application.challenge if verifier == "{challenge}" else verifier
    answer = application.exchange(code, code_verifier=given)
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_AUTHORIZATION_CODE")
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


def test_the_verifier_of_another_code_does_not_fit(shop: Project, idp: IdentityProvider) -> None:
    """C5: a code of one browser injected into another."""
    victim, attacker = Application(shop), Application(shop)
    stolen = victim.code_for(idp, person())
    assert known_error(attacker.exchange(stolen)) == "INVALID_AUTHORIZATION_CODE"


def test_another_redirect_uri_uses_the_code_up(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    code = application.code_for(idp, person())
    answer = application.exchange(code, redirect_uri="http://localhost:3000/other")
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


@pytest.mark.parametrize("uri", [None, "", "no uri"])
def test_a_redirect_uri_that_is_none_leaves_the_code(shop: Project, idp: IdentityProvider, uri: str | None) -> None:
    application = Application(shop)
    code = application.code_for(idp, person())
    answer = application.exchange(code, redirect_uri=uri)
    assert (answer.status_code, answer.json()["error"], known_error(answer)) == (400, "invalid_request", None)
    assert application.exchange(code).status_code == 200


@pytest.mark.parametrize("code", [None, "", "no\nprint", "é"])
def test_a_malformed_code_is_an_error_of_the_protocol(shop: Project, code: str | None) -> None:
    answer = Application(shop).exchange(code)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"], known_error(answer)) == (400, "invalid_request", None)


def test_codes_that_are_not_of_this_client_do_not_exist(shop: Project, own_shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    code = application.code_for(idp, person())
    foreign = application.exchange(code, client_id=own_shop.id, client_secret=own_shop.publishable_client_key)
    assert (foreign.status_code, known_error(foreign)) == (400, "INVALID_AUTHORIZATION_CODE")
    assert application.exchange(code).status_code == 200
    assert known_error(application.exchange("0" * 64)) == "INVALID_AUTHORIZATION_CODE"


def test_a_code_is_good_for_five_minutes(own_shop: Project, idp: IdentityProvider) -> None:
    application = Application(own_shop)
    code = application.code_for(idp, person())
    own_shop.server.shift_clock(5 * MINUTE + 1000)
    try:
        assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    finally:
        own_shop.server.shift_clock(0)


def test_nothing_comes_of_the_code_of_a_user_who_is_gone(shop: Project, idp: IdentityProvider) -> None:
    application, profile = Application(shop), person()
    first = sign_in(shop, idp, profile)
    code = application.code_for(idp, profile)
    with shop.http("server") as client:
        assert client.delete(f"/users/{first['user']['id']}").status_code == 200
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


def test_a_new_password_voids_the_codes_that_wait(shop: Project, idp: IdentityProvider) -> None:
    application, profile = Application(shop), person()
    first = sign_in(shop, idp, profile)
    code = application.code_for(idp, profile)
    with shop.http("server") as client:
        assert client.patch(f"/users/{first['user']['id']}", json={"password": "a brand new password"}).status_code == 200
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


# --- second factor ---


def with_second_factor(project: Project, idp: IdentityProvider) -> tuple[dict[str, Any], dict[str, Any]]:
    """A profile, and its user, who needs a second factor from now on."""
    profile = person()
    user = sign_in(project, idp, profile)["user"]
    set_totp(project, user["id"])
    return profile, user


def test_no_session_before_the_second_factor(shop: Project, idp: IdentityProvider) -> None:
    """B6: at the exchange a second factor is demanded, the code is used up, and no session is made."""
    profile, user = with_second_factor(shop, idp)
    before = session_ids(shop, user["id"])
    application = Application(shop)
    code = application.code_for(idp, profile)
    answer = application.exchange(code)
    assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert answer.headers["content-type"].startswith("application/json")
    attempt_code = answer.json()["details"]["attempt_code"]
    assert len(attempt_code) == 45
    assert session_ids(shop, user["id"]) == before
    finished = finish(shop, attempt_code, totp())
    assert (finished.status_code, finished.json()["is_new_user"]) == (200, False)
    assert finished.json()["user_id"] == user["id"]


def test_a_second_use_voids_the_sign_in_that_waits_for_a_second_factor(shop: Project, idp: IdentityProvider) -> None:
    profile, _ = with_second_factor(shop, idp)
    application = Application(shop)
    code = application.code_for(idp, profile)
    attempt_code = application.exchange(code).json()["details"]["attempt_code"]
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    assert finish(shop, attempt_code, totp()).status_code != 200


def test_linking_demands_it_too(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    set_totp(shop, user["user_id"])
    application = Application(shop)
    answer = application.exchange(application.code_for(idp, person(), type="link", token=user["access_token"]))
    assert known_error(answer) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"


def test_so_does_an_upgrade(shop: Project, idp: IdentityProvider) -> None:
    with shop.http("client") as client:
        visitor = client.post("/auth/anonymous/sign-up").json()
    set_totp(shop, visitor["user_id"])
    application = Application(shop)
    answer = application.exchange(application.code_for(idp, person(), token=visitor["access_token"]))
    assert known_error(answer) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"


# --- at the same time ---


@pytest.mark.anyio
async def test_of_fifty_who_bring_a_code_one_gets_a_session(shop: Project, idp: IdentityProvider) -> None:
    """B1: and it ends, since others had the code as well."""
    for _ in range(5):
        application, profile = Application(shop), person()
        code = application.code_for(idp, profile)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": application.redirect_uri,
            "code_verifier": application.verifier,
            "client_id": shop.id,
            "client_secret": shop.publishable_client_key,
        }
        async with shop.async_http("client") as client:
            answers = await asyncio.gather(*(client.post("/auth/oauth/token", data=form) for _ in range(50)))
        good = [answer for answer in answers if answer.status_code == 200]
        assert len(good) == 1
        assert {known_error(answer) for answer in answers} == {None, "INVALID_AUTHORIZATION_CODE"}
        assert session_ids(shop, claims_of(good[0].json()["access_token"])["sub"]) == []
