"""Who somebody is who comes from a provider (contract 03 §4, 02 §1.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, me, person, refused, sign_in
from tests.server import NO_TLS, Project
from tests.sessions.tokens import claims_of

AVATAR = "https://cdn.discordapp.com/avatars/"


def verified_user(project: Project, **fields: Any) -> dict[str, Any]:
    email = person()["email"]
    return project.create_user(primary_email=email, primary_email_verified=True, primary_email_auth_enabled=True, **fields)


def details(told: dict[str, str]) -> dict[str, Any]:
    return json.loads(told["details"])  # type: ignore[no-any-return]


def test_somebody_unknown_becomes_a_user(shop: Project, idp: IdentityProvider) -> None:
    profile = person(name="Ada Lovelace", avatar="a_1")
    tokens = sign_in(shop, idp, profile)
    assert (tokens["is_new_user"], tokens["newUser"]) == (True, True)
    user = tokens["user"]
    assert user["display_name"] == "Ada Lovelace"
    assert user["primary_email"] == profile["email"]
    assert (user["primary_email_verified"], user["primary_email_auth_enabled"]) == (True, True)
    assert user["profile_image_url"] == f"{AVATAR}{profile['id']}/a_1.gif"
    assert user["oauth_providers"] == [{"id": "discord", "account_id": profile["id"], "email": profile["email"]}]
    assert (user["is_anonymous"], user["has_password"], user["otp_auth_enabled"]) == (False, False, False)
    assert user["selected_team"]["display_name"] == "Ada Lovelace's Team" if user["selected_team"] else True


def test_who_comes_again_is_the_same_and_keeps_his_profile(shop: Project, idp: IdentityProvider) -> None:
    profile = person()
    first = sign_in(shop, idp, profile)
    again = sign_in(shop, idp, {**profile, "email": "changed@example.com", "global_name": "Changed"})
    assert again["is_new_user"] is False
    assert again["user"] == {**first["user"], "last_active_at_millis": again["user"]["last_active_at_millis"]}
    assert claims_of(again["access_token"])["refresh_token_id"] != claims_of(first["access_token"])["refresh_token_id"]


def test_the_address_is_normalised_and_may_be_unverified_or_absent(shop: Project, idp: IdentityProvider) -> None:
    profile = person(verified=False)
    user = sign_in(shop, idp, {**profile, "email": profile["email"].upper()})["user"]
    assert (user["primary_email"], user["primary_email_verified"], user["primary_email_auth_enabled"]) == (profile["email"], False, True)
    nameless = sign_in(shop, idp, person(None, name=None))["user"]
    assert (nameless["primary_email"], nameless["primary_email_auth_enabled"]) == (None, False)
    assert nameless["display_name"] == "ada"


def test_shared_keys_work_with_the_provider_for_tests(shop: Project, idp: IdentityProvider) -> None:
    email = person()["email"]
    user = sign_in(shop, idp, {"sub": email}, provider="google")["user"]
    assert (user["primary_email"], user["primary_email_verified"]) == (email, True)
    assert user["oauth_providers"] == [{"id": "google", "account_id": email, "email": email}]


def test_both_who_verified_the_address_become_one(shop: Project, idp: IdentityProvider) -> None:
    user = verified_user(shop, display_name="Grace")
    tokens = sign_in(shop, idp, person(user["primary_email"], name="Other", avatar="b"))
    assert tokens["is_new_user"] is False
    assert tokens["user"]["id"] == user["id"]
    assert (tokens["user"]["display_name"], tokens["user"]["profile_image_url"]) == ("Grace", None)
    assert [account["id"] for account in tokens["user"]["oauth_providers"]] == ["discord"]


def test_who_never_verified_the_address_does_not_get_its_owners_sign_ins(shop: Project, idp: IdentityProvider) -> None:
    """C6: registering a victim's address beforehand gains nothing."""
    planted = shop.sign_up()
    told = refused(shop, idp, person(planted["email"]))
    assert details(told)["would_work_if_email_was_verified"] is True
    assert me(shop, planted["access_token"])["oauth_providers"] == []


def test_a_provider_that_does_not_vouch_joins_nobody(shop: Project, idp: IdentityProvider) -> None:
    """C6: an address that anybody can enter at the provider is no proof."""
    user = verified_user(shop)
    told = refused(shop, idp, person(user["primary_email"], verified=False))
    assert told["errorCode"] == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    assert details(told)["would_work_if_email_was_verified"] is False


def test_one_sign_in_method_per_provider(shop: Project, idp: IdentityProvider) -> None:
    first = sign_in(shop, idp, person())
    told = refused(shop, idp, person(first["user"]["primary_email"]))
    assert details(told)["would_work_if_email_was_verified"] is False


def test_an_address_that_nobody_signs_in_with_is_no_conflict(shop: Project, idp: IdentityProvider) -> None:
    user = shop.create_user(primary_email=person()["email"], primary_email_verified=True)
    tokens = sign_in(shop, idp, person(user["primary_email"]))
    assert tokens["is_new_user"] is True
    assert tokens["user"]["id"] != user["id"]


def test_a_project_may_refuse_every_conflict(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.configure(oauth_account_merge_strategy="raise_error")
    user = verified_user(own_shop)
    for verified in (True, False):
        told = refused(own_shop, idp, person(user["primary_email"], verified=verified))
        assert details(told)["would_work_if_email_was_verified"] is False


def test_a_project_may_allow_duplicates(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.configure(oauth_account_merge_strategy="allow_duplicates")
    user = verified_user(own_shop)
    tokens = sign_in(own_shop, idp, person(user["primary_email"]))
    assert tokens["is_new_user"] is True
    assert tokens["user"]["id"] != user["id"]
    assert (tokens["user"]["primary_email"], tokens["user"]["primary_email_auth_enabled"]) == (user["primary_email"], False)


def test_sign_up_switched_off_stops_new_users_alone(own_shop: Project, idp: IdentityProvider) -> None:
    known, verified = person(), verified_user(own_shop)
    sign_in(own_shop, idp, known)
    own_shop.configure(sign_up_enabled=False)
    assert refused(own_shop, idp, person())["errorCode"] == "SIGN_UP_NOT_ENABLED"
    assert refused(own_shop, idp, person(None))["errorCode"] == "SIGN_UP_NOT_ENABLED"
    assert sign_in(own_shop, idp, known)["is_new_user"] is False
    assert sign_in(own_shop, idp, person(verified["primary_email"]))["user"]["id"] == verified["id"]


def test_a_deleted_user_comes_back_as_a_new_one(shop: Project, idp: IdentityProvider) -> None:
    """C8: what the account was linked to before does not matter."""
    profile = person()
    first = sign_in(shop, idp, profile)
    with shop.http("server") as client:
        assert client.delete(f"/users/{first['user']['id']}").status_code == 200
    again = sign_in(shop, idp, profile)
    assert again["is_new_user"] is True
    assert again["user"]["id"] != first["user"]["id"]


# --- anonymous users ---


def anonymous(project: Project) -> dict[str, Any]:
    with project.http("client") as client:
        return client.post("/auth/anonymous/sign-up").json()  # type: ignore[no-any-return]


def test_an_anonymous_user_becomes_who_he_is(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.configure(create_team_on_sign_up=True)
    visitor = anonymous(own_shop)
    profile = person(name="Ada")
    tokens = sign_in(own_shop, idp, profile, token=visitor["access_token"])
    assert tokens["is_new_user"] is True
    user = tokens["user"]
    assert (user["id"], user["is_anonymous"]) == (visitor["user_id"], False)
    assert (user["display_name"], user["primary_email"], user["primary_email_verified"]) == ("Ada", profile["email"], True)
    with own_shop.http("server") as client:
        teams = client.get("/teams", params={"user_id": user["id"]})
        if teams.status_code == 200:
            assert [team["display_name"] for team in teams.json()["items"]] == ["Ada's Team"]


def test_the_profile_takes_the_place_of_what_he_had(shop: Project, idp: IdentityProvider) -> None:
    visitor = anonymous(shop)
    with shop.http("server") as client:
        body = {"display_name": "Visitor", "profile_image_url": "https://example.com/x.png", "client_metadata": {"cart": 1}}
        assert client.patch(f"/users/{visitor['user_id']}", json=body).status_code == 200
    email = person()["email"]
    user = sign_in(shop, idp, {"sub": email}, provider="google", token=visitor["access_token"])["user"]
    assert (user["id"], user["display_name"], user["profile_image_url"]) == (visitor["user_id"], None, None)
    assert user["client_metadata"] == {"cart": 1}


def test_his_sessions_stay(shop: Project, idp: IdentityProvider) -> None:
    visitor = anonymous(shop)
    sign_in(shop, idp, person(), token=visitor["access_token"])
    form = {
        "grant_type": "refresh_token",
        "refresh_token": visitor["refresh_token"],
        "client_id": shop.id,
        "client_secret": shop.publishable_client_key,
    }
    answer = httpx.post(f"{shop.server.api_url}/auth/oauth/token", data=form, verify=NO_TLS)
    assert answer.status_code == 200
    assert claims_of(answer.json()["access_token"])["is_anonymous"] is False


def test_signing_in_to_an_account_that_exists_upgrades_nobody(shop: Project, idp: IdentityProvider) -> None:
    profile, visitor = person(), anonymous(shop)
    first = sign_in(shop, idp, profile)
    again = sign_in(shop, idp, profile, token=visitor["access_token"])
    assert again["user"]["id"] == first["user"]["id"]
    assert me(shop, visitor["access_token"])["is_anonymous"] is True


def test_the_token_of_a_normal_or_deleted_user_is_ignored(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    tokens = sign_in(shop, idp, person(), token=user["access_token"])
    assert tokens["is_new_user"] is True
    assert tokens["user"]["id"] != user["user_id"]
    visitor = anonymous(shop)
    with shop.http("server") as client:
        assert client.delete(f"/users/{visitor['user_id']}").status_code == 200
    assert sign_in(shop, idp, person(), token=visitor["access_token"])["user"]["id"] != visitor["user_id"]


# --- linking ---


def link(project: Project, idp: IdentityProvider, access_token: str, profile: dict[str, Any]) -> dict[str, Any]:
    return sign_in(project, idp, profile, type="link", token=access_token)


def test_a_signed_in_user_links_an_account(shop: Project, idp: IdentityProvider) -> None:
    user, profile = shop.sign_up(), person(avatar="x")
    tokens = link(shop, idp, user["access_token"], profile)
    assert tokens["is_new_user"] is False
    linked = tokens["user"]
    assert (linked["id"], linked["primary_email"], linked["display_name"]) == (user["user_id"], user["email"], None)
    assert linked["oauth_providers"] == [{"id": "discord", "account_id": profile["id"], "email": profile["email"]}]
    assert sign_in(shop, idp, profile)["user"]["id"] == user["user_id"]
    assert link(shop, idp, user["access_token"], profile)["user"]["oauth_providers"] == linked["oauth_providers"]


def test_a_second_account_of_the_provider_may_be_linked(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    link(shop, idp, user["access_token"], person())
    assert len(link(shop, idp, user["access_token"], person())["user"]["oauth_providers"]) == 2


def test_an_account_of_somebody_else_is_not_linked(shop: Project, idp: IdentityProvider) -> None:
    profile = person()
    owner, user = sign_in(shop, idp, profile), shop.sign_up()
    told = refused(shop, idp, profile, type="link", token=user["access_token"])
    assert told["errorCode"] == "OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER"
    assert sign_in(shop, idp, profile)["user"]["id"] == owner["user"]["id"]


def test_linking_asks_for_no_sign_up_and_joins_no_address(own_shop: Project, idp: IdentityProvider) -> None:
    user, other = own_shop.sign_up(), verified_user(own_shop)
    own_shop.configure(sign_up_enabled=False)
    assert link(own_shop, idp, user["access_token"], person(other["primary_email"]))["user"]["id"] == user["user_id"]


def test_nothing_is_linked_to_a_user_who_is_gone(shop: Project, idp: IdentityProvider) -> None:
    user, application = shop.sign_up(), Application(shop)
    back = idp.consent(application.start(type="link", token=user["access_token"]), person())
    with shop.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    assert application.come_back(back).status_code == 400


def test_nothing_is_linked_to_a_session_that_has_ended(shop: Project, idp: IdentityProvider) -> None:
    """C7: whoever had stolen it leaves himself no way in."""
    user, application = shop.sign_up(), Application(shop)
    back = idp.consent(application.start(type="link", token=user["access_token"]), person())
    with shop.http("server") as client:
        assert client.patch(f"/users/{user['user_id']}", json={"password": "a brand new password"}).status_code == 200
        assert application.come_back(back).status_code == 400
        assert client.get(f"/users/{user['user_id']}").json()["oauth_providers"] == []


def test_a_restricted_user_signs_in_as_one_and_links(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.override("branch", **{"onboarding.requireEmailVerification": True})
    profile = person(verified=False)
    tokens = sign_in(own_shop, idp, profile)
    claims = claims_of(tokens["access_token"])
    assert (claims["is_restricted"], claims["restricted_reason"]) == (True, {"type": "email_not_verified"})
    application = Application(own_shop)
    linked = application.sign_in(idp, person(), type="link", token=tokens["access_token"])
    assert claims_of(linked["access_token"])["sub"] == tokens["user"]["id"]


# --- at the same time ---


@pytest.mark.anyio
async def test_twenty_sign_ins_of_one_new_person_make_one_user(shop: Project, idp: IdentityProvider) -> None:
    for round_number in range(3):
        profile = person()
        applications = [Application(shop) for _ in range(20)]
        backs = [idp.consent(application.start(), profile) for application in applications]

        async def come_back(client: httpx.AsyncClient, application: Application, back: str) -> httpx.Response:
            return await client.get(back, headers={"cookie": "; ".join(f"{c.name}={c.value}" for c in application.cookies.jar)})

        async with shop.async_http("client") as client:
            answers = await asyncio.gather(*(come_back(client, a, b) for a, b in zip(applications, backs, strict=True)))
        assert {answer.status_code for answer in answers} == {303}, round_number
        with shop.http("server") as server:
            users = server.get("/users", params={"query": profile["email"]}).json()["items"]
        assert len(users) == 1
        assert len(users[0]["oauth_providers"]) == 1
