"""What waits in a code for the proof of its application, and what may have happened meanwhile (see `oauth.arrivals`)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, me, person, sign_in
from tests.server import Project, new_email
from tests.sessions.tokens import known_error


def anonymous(project: Project) -> dict[str, Any]:
    with project.http("client") as client:
        answer = client.post("/auth/anonymous/sign-up")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def delete(project: Project, user_id: str) -> None:
    with project.http("server") as client:
        assert client.delete(f"/users/{user_id}").status_code == 200


def tokens_kept(project: Project, user_id: str) -> bool:
    with project.http("server") as client:
        return client.post(f"/connected-accounts/{user_id}/discord/access-token", json={}).status_code == 201


def test_the_providers_tokens_come_with_the_link(shop: Project, idp: IdentityProvider) -> None:
    user, application, profile = shop.sign_up(), Application(shop), person()
    code = application.code_for(idp, profile, type="link", token=user["access_token"])
    assert not tokens_kept(shop, user["user_id"])
    assert application.exchange(code).json()["is_new_user"] is False
    assert tokens_kept(shop, user["user_id"])


def test_an_account_that_somebody_took_meanwhile_is_not_linked(shop: Project, idp: IdentityProvider) -> None:
    user, application, profile = shop.sign_up(), Application(shop), person()
    code = application.code_for(idp, profile, type="link", token=user["access_token"])
    owner = sign_in(shop, idp, profile)
    answer = application.exchange(code)
    assert (answer.status_code, known_error(answer)) == (409, "OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER")
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE", "it is used up"
    assert me(shop, user["access_token"])["oauth_providers"] == []
    assert sign_in(shop, idp, profile)["user"]["id"] == owner["user"]["id"]


def test_an_account_that_is_known_by_then_signs_in_its_user(shop: Project, idp: IdentityProvider) -> None:
    visitor, application, profile = anonymous(shop), Application(shop), person()
    code = application.code_for(idp, profile, token=visitor["access_token"])
    owner = sign_in(shop, idp, profile)
    tokens = application.exchange(code).json()
    assert (tokens["is_new_user"], me(shop, tokens["access_token"])["id"]) == (False, owner["user"]["id"])
    assert me(shop, visitor["access_token"])["is_anonymous"] is True


def test_an_address_that_is_taken_by_then_is_a_conflict(shop: Project, idp: IdentityProvider) -> None:
    visitor, application, profile = anonymous(shop), Application(shop), person()
    code = application.code_for(idp, profile, token=visitor["access_token"])
    shop.sign_up(profile["email"])
    answer = application.exchange(code)
    assert (answer.status_code, known_error(answer)) == (409, "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE")
    assert me(shop, visitor["access_token"])["is_anonymous"] is True


def test_a_project_that_takes_nobody_any_more_says_so(own_shop: Project, idp: IdentityProvider) -> None:
    visitor, application = anonymous(own_shop), Application(own_shop)
    code = application.code_for(idp, person(), token=visitor["access_token"])
    own_shop.configure(sign_up_enabled=False)
    assert known_error(application.exchange(code)) == "SIGN_UP_NOT_ENABLED"


def test_who_became_somebody_in_another_way_keeps_to_it(shop: Project, idp: IdentityProvider) -> None:
    """With a password, all that could become a session ends: codes, too, and what waits in them."""
    visitor, application, email = anonymous(shop), Application(shop), new_email()
    code = application.code_for(idp, person(), token=visitor["access_token"])
    with shop.http("client", visitor["access_token"], **{"x-stack-allow-anonymous-user": "true"}) as client:
        signed_up = client.post("/auth/password/sign-up", json={"email": email, "password": "correct horse battery"})
    assert signed_up.json()["user_id"] == visitor["user_id"]
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    kept = me(shop, signed_up.json()["access_token"])
    assert (kept["primary_email"], kept["oauth_providers"]) == (email, [])


@pytest.mark.parametrize("kind", ["link", "authenticate"])
def test_nothing_waits_for_a_user_who_is_gone(shop: Project, idp: IdentityProvider, kind: str) -> None:
    user = shop.sign_up() if kind == "link" else anonymous(shop)
    application, profile = Application(shop), person()
    code = application.code_for(idp, profile, type=kind, token=user["access_token"])
    delete(shop, user["user_id"])
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    assert sign_in(shop, idp, profile)["is_new_user"] is True


@pytest.mark.parametrize("changed", [{"code_verifier": "x" * 43}, {"redirect_uri": "http://localhost:3000/other"}])
def test_a_failed_proof_does_nothing_and_ends_it(shop: Project, idp: IdentityProvider, changed: dict[str, str]) -> None:
    user, application = shop.sign_up(), Application(shop)
    code = application.code_for(idp, person(), type="link", token=user["access_token"])
    assert application.exchange(code, **changed).status_code == 400
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    assert me(shop, user["access_token"])["oauth_providers"] == []
