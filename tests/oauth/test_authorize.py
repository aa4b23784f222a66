"""The start of a sign-in with a provider (contract 03 §2)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import NO_KEY, Application, person
from tests.server import Project
from tests.sessions.tokens import known_error

NOWHERE = "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"


def test_the_browser_is_sent_to_the_provider_with_a_cookie(shop: Project, idp: IdentityProvider) -> None:
    answer = Application(shop).authorize("discord")
    assert answer.status_code == 307
    url = urlsplit(answer.headers["location"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert answer.headers["location"].startswith(f"{idp.url}/auth?")
    assert query["client_id"] == "discord-client"
    assert query["redirect_uri"] == f"{shop.server.api_url}/auth/oauth/callback/discord"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["scope"] == "identify email"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", query["state"])
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        rf"stack-oauth-inner-{query['state']}=true; Path=/; Expires=\w{{3}}, \d\d \w{{3}} \d{{4}} \d\d:\d\d:\d\d GMT; Max-Age=600; HttpOnly",
        cookie,
    ), cookie


def test_nothing_of_the_application_goes_to_the_provider(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    location = application.start()
    assert application.state not in location
    assert application.challenge not in location
    assert shop.publishable_client_key not in location


@pytest.mark.parametrize("name", ["stack_response_mode", "hexclave_response_mode"])
def test_an_application_may_send_the_browser_itself(shop: Project, idp: IdentityProvider, name: str) -> None:
    answer = Application(shop).authorize(**{name: "json"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"location"}
    assert answer.json()["location"].startswith(f"{idp.url}/auth?")
    assert "set-cookie" not in answer.headers


def test_both_names_of_the_mode_and_unknown_parameters_pass(shop: Project, idp: IdentityProvider) -> None:
    answer = Application(shop).authorize(stack_response_mode="json", hexclave_response_mode="json", something="else")
    assert answer.status_code == 200


@pytest.mark.parametrize("key", [NO_KEY, None])
def test_the_secret_may_be_the_word_for_none(shop: Project, idp: IdentityProvider, key: str | None) -> None:
    secret = key or shop.publishable_client_key
    assert Application(shop).authorize(client_secret=secret, client_id=f"{shop.id}#main").status_code == 307


@pytest.mark.parametrize(
    "missing",
    [
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "state",
        "grant_type",
        "code_challenge",
        "code_challenge_method",
        "response_type",
    ],
)
def test_a_missing_parameter_is_a_schema_error(shop: Project, idp: IdentityProvider, missing: str) -> None:
    answer = Application(shop).authorize(**{missing: None})
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
    assert missing in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "not a url"},
        {"redirect_uri": "/relative"},
        {"redirect_uri": ""},
        {"grant_type": "implicit"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": ""},
        {"type": "other"},
        {"error_redirect_uri": "nowhere"},
        {"error_redirect_url": "nowhere"},
        {"after_callback_redirect_url": "nowhere"},
        {"stack_response_mode": "xml"},
        {"bot_challenge_phase": "other"},
        {"bot_challenge_unavailable": "false"},
    ],
)
def test_a_malformed_parameter_is_a_schema_error(shop: Project, idp: IdentityProvider, changed: dict[str, str]) -> None:
    answer = Application(shop).authorize(**changed)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("name", ["state", "redirect_uri", "after_callback_redirect_url", "scope"])
def test_nobody_fills_the_database_with_long_queries(shop: Project, idp: IdentityProvider, name: str) -> None:
    longest = "http://localhost:3000/" + "x" * 9000
    answer = Application(shop).authorize(**{name: longest})
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
    assert Application(shop).authorize(**{name: longest[:4000]}).status_code == 307


@pytest.mark.parametrize(
    "repeated", ["client_id", "redirect_uri", "state", "code_challenge", "token", "type", "error_redirect_url", "stack_response_mode"]
)
def test_a_repeated_parameter_is_refused(shop: Project, idp: IdentityProvider, repeated: str) -> None:
    values = {"token": "", "type": "authenticate", "stack_response_mode": "json"}
    application = Application(shop)
    pairs: list[tuple[str, Any]] = [*application.query().items()]
    value = application.query().get(repeated, values.get(repeated, ""))
    pairs += [(repeated, value)] * (1 if repeated in application.query() else 2)
    answer = application.get("/auth/oauth/authorize/discord", params=pairs)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("client_id", [NOWHERE, "nothing", "", "{}#other", "{}#"])
def test_an_unknown_client_is_named(shop: Project, idp: IdentityProvider, client_id: str) -> None:
    client_id = client_id.format(shop.id)
    answer = Application(shop).authorize(client_id=client_id)
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET")
    assert answer.json()["details"] == {"client_id": client_id}


def test_a_wrong_key_is_refused(shop: Project, own_shop: Project, idp: IdentityProvider) -> None:
    for secret in ("pck_wrong", "", shop.secret_server_key, own_shop.publishable_client_key):
        answer = Application(shop).authorize(client_secret=secret)
        assert (answer.status_code, known_error(answer)) == (401, "INVALID_PUBLISHABLE_CLIENT_KEY")
        assert answer.json()["details"] == {"project_id": shop.id}


def test_a_project_may_require_its_key(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.override("project", **{"project.requirePublishableClientKey": True})
    answer = Application(own_shop).authorize(client_secret=NO_KEY)
    assert (answer.status_code, known_error(answer)) == (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT")
    assert Application(own_shop).authorize().status_code == 307


@pytest.mark.parametrize("provider", ["github", "nothing", "Discord", "twitch"])
def test_a_provider_must_be_configured(shop: Project, idp: IdentityProvider, provider: str) -> None:
    answer = Application(shop).authorize(provider)
    assert (answer.status_code, known_error(answer)) == (400, "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED")


def test_a_shared_provider_without_keys_of_the_operator_is_not_offered(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.configure(oauth_providers=[{"id": "spotify", "type": "shared"}])
    assert known_error(Application(own_shop).authorize("spotify")) == "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"


def test_linking_needs_to_know_to_whom(shop: Project, idp: IdentityProvider) -> None:
    for changed in ({"type": "link"}, {"type": "link", "token": ""}):
        answer = Application(shop).authorize(**changed)
        assert (answer.status_code, known_error(answer)) == (400, None)


def test_the_page_after_the_callback_must_be_trusted(shop: Project, idp: IdentityProvider) -> None:
    answer = Application(shop).authorize(after_callback_redirect_url="https://evil.example/x")
    assert (answer.status_code, known_error(answer)) == (400, "REDIRECT_URL_NOT_WHITELISTED")
    for trusted in ("http://localhost:3000/after", "stack-auth-mobile-oauth-url://after"):
        assert Application(shop).authorize(after_callback_redirect_url=trusted).status_code == 307


def test_the_redirect_uri_is_not_judged_yet(shop: Project, idp: IdentityProvider) -> None:
    assert Application(shop, redirect_uri="https://evil.example/x").authorize().status_code == 307


def test_further_scopes_need_keys_of_the_project(shop: Project, idp: IdentityProvider) -> None:
    for kind in ("authenticate", "link"):
        answer = Application(shop).authorize("google", provider_scope="calendar", type=kind, token="x" if kind == "link" else None)
        assert (answer.status_code, known_error(answer)) == (400, "OAUTH_EXTRA_SCOPE_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS")
    location = Application(shop).start(provider_scope="guilds email")
    assert parse_qs(urlsplit(location).query)["scope"] == ["identify email guilds"]


def test_tokens_are_checked(shop: Project, own_shop: Project, idp: IdentityProvider) -> None:
    user, foreign = shop.sign_up(), own_shop.sign_up()
    assert Application(shop).authorize(token=user["access_token"]).status_code == 307
    for token in ("nonsense", user["access_token"][:-4] + "AAAA", user["refresh_token"]):
        answer = Application(shop).authorize(token=token)
        assert (answer.status_code, known_error(answer)) == (401, "UNPARSABLE_ACCESS_TOKEN")
    answer = Application(shop).authorize(token=foreign["access_token"])
    assert (answer.status_code, known_error(answer)) == (403, None)


def test_an_expired_token_is_told(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    shop.server.shift_clock(11 * 60 * 1000)
    try:
        answer = Application(shop).authorize(token=user["access_token"])
    finally:
        shop.server.shift_clock(0)
    assert (answer.status_code, known_error(answer)) == (401, "ACCESS_TOKEN_EXPIRED")


def test_a_person_in_a_browser_gets_a_page(shop: Project, idp: IdentityProvider) -> None:
    """As when he links an account and was signed out meanwhile."""
    application = Application(shop)
    query = application.query(type="link", token="nonsense")
    answer = application.get("/auth/oauth/authorize/discord", params=query, headers={"accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, known_error(answer)) == (401, "UNPARSABLE_ACCESS_TOKEN")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Signing in did not work" in answer.text


def test_errors_come_in_the_order_of_the_contract(shop: Project, idp: IdentityProvider) -> None:
    """Each request has all later defects, too."""
    application = Application(shop)
    defects: list[tuple[dict[str, Any], str | None]] = [
        ({"client_id": NOWHERE}, "INVALID_OAUTH_CLIENT_ID_OR_SECRET"),
        ({"client_secret": "pck_wrong"}, "INVALID_PUBLISHABLE_CLIENT_KEY"),
        ({"provider": "nothing"}, "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"),
        ({"after_callback_redirect_url": "https://evil.example"}, "REDIRECT_URL_NOT_WHITELISTED"),
        ({"provider_scope": "more"}, "OAUTH_EXTRA_SCOPE_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS"),
        ({"token": "nonsense"}, "UNPARSABLE_ACCESS_TOKEN"),
    ]
    for number, (_, expected) in enumerate(defects):
        changed: dict[str, Any] = {}
        for defect, _ in defects[number:]:
            changed |= defect
        assert known_error(application.authorize(changed.pop("provider", "google"), **changed)) == expected


def test_a_header_with_a_token_has_no_effect(shop: Project, idp: IdentityProvider) -> None:
    """Who is upgraded or linked is said by the parameter alone."""
    with shop.http("client") as client:
        anonymous = client.post("/auth/anonymous/sign-up").json()
    application = Application(shop)
    headers = shop.headers("client", anonymous["access_token"], **{"x-stack-allow-anonymous-user": "true"})
    location = application.get("/auth/oauth/authorize/discord", params=application.query(), headers=headers).headers["location"]
    assert application.come_back(idp.consent(location, person()), **headers).status_code == 303
    with shop.http("server") as client:
        assert client.get(f"/users/{anonymous['user_id']}").json()["is_anonymous"] is True
