"""The way back from a provider: what is checked, in order, and where the browser is sent then (contract 03 §3)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import CALLBACK, ERRORS, Application, error_in, person, refused
from tests.server import Project
from tests.sessions.tokens import claims_of, known_error

MINUTE = 60_000
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def finish(application: Application, idp: IdentityProvider, profile: dict[str, Any] | None = None, **changed: Any) -> httpx.Response:
    return application.come_back(idp.consent(application.start(**changed), profile or person()))


def test_the_browser_comes_to_the_application_with_code_and_state(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop, redirect_uri="http://localhost:3000/back?b=2&a=%7e#top")
    location = application.start()
    answer = application.come_back(idp.consent(location, person()))
    assert (answer.status_code, answer.json()) == (303, {})
    before, _, code = answer.headers["location"].partition("&code=")
    assert before == "http://localhost:3000/back?b=2&a=%7e"
    code, _, state = code.partition("&state=")
    assert state == application.state
    assert len(code) == 64
    assert set(code) <= set("0123456789abcdef")
    inner = dict(parse_qsl(urlsplit(location).query))["state"]
    assert answer.headers["set-cookie"] == f"stack-oauth-inner-{inner}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"


def test_an_application_gets_one_code_and_one_state(shop: Project, idp: IdentityProvider) -> None:
    """Whatever its redirect URI brings along."""
    application = Application(shop, redirect_uri="http://localhost:3000/?code=planted&x=1&st%61te=planted")
    pairs = parse_qsl(urlsplit(finish(application, idp).headers["location"]).query)
    assert [name for name, _ in pairs] == ["x", "code", "state"]
    assert dict(pairs)["state"] == application.state


def test_an_application_on_a_device_is_sent_its_code(shop: Project, idp: IdentityProvider) -> None:
    answer = finish(Application(shop, redirect_uri="stack-auth-mobile-oauth-url://done"), idp)
    assert answer.headers["location"].startswith("stack-auth-mobile-oauth-url://done?code=")


def test_in_json_mode_no_cookie_is_asked_for_or_touched(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    location = application.authorize(stack_response_mode="json").json()["location"]
    answer = Application(shop).come_back(idp.consent(location, person()))
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers


def test_a_provider_may_send_a_form(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    url, _, query = idp.consent(application.start(), person()).partition("?")
    answer = application.send("POST", url, data=dict(parse_qsl(query)))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://localhost:3000/")


@pytest.mark.parametrize("state", ["", "unknown", "\ud800", "x" * 43])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_state_leads_nowhere(shop: Project, state: str, method: str) -> None:
    given = {"state": state.encode("utf-8", "replace"), "code": b"c"}
    with shop.server.http() as client:
        path = "/auth/oauth/callback/discord"
        answer = client.get(path, params=given) if method == "GET" else client.post(path, data=given)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert answer.headers["content-type"].startswith("text/plain")
    assert not {"location", "set-cookie"} & set(answer.headers)


def test_another_browser_is_refused(shop: Project, idp: IdentityProvider) -> None:
    """C3: a way back that a stranger sends to a victim signs nobody in, and does not use up the flow."""
    application = Application(shop)
    back = idp.consent(application.start(), person())
    answer = Application(shop).come_back(back)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert "location" not in answer.headers
    assert "=; Path=/; Expires=Thu, 01 Jan 1970" in answer.headers["set-cookie"]
    assert not idp.calls("/token")
    assert application.come_back(back).status_code == 303


def test_the_cookie_of_another_flow_does_not_help(shop: Project, idp: IdentityProvider) -> None:
    attacker, victim = Application(shop), Application(shop)
    back = idp.consent(attacker.start(), person())
    victim.start()
    assert victim.come_back(back).status_code == 400


def test_a_replayed_way_back_is_refused_before_the_provider_is_asked(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    back = idp.consent(application.start(), person())
    cookies = application.cookies
    assert application.come_back(back).status_code == 303
    asked = len(idp.asked)
    application.cookies = cookies
    answer = application.come_back(back)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert "location" not in answer.headers
    assert len(idp.asked) == asked


def test_whoever_comes_late_is_told_and_sent_back(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    back = idp.consent(application.start(), person())
    shop.server.shift_clock(11 * MINUTE)
    try:
        answer = application.send("GET", back, headers={"cookie": "; ".join(f"{c.name}={c.value}" for c in application.cookies.jar)})
    finally:
        shop.server.shift_clock(0)
    assert answer.status_code == 307
    told = error_in(answer.headers["location"])
    assert told["errorCode"] == "OUTER_OAUTH_TIMEOUT"
    assert not idp.calls("/token")


def test_an_error_redirect_has_exactly_these_parameters(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    answer = application.come_back(idp.refuse(application.start()))
    assert answer.status_code == 307
    assert "=; Path=/; Expires=Thu, 01 Jan 1970" in answer.headers["set-cookie"]
    told = error_in(answer.headers["location"])
    assert answer.headers["location"].startswith(CALLBACK + "&error=server_error&")
    assert told == {
        "from": "app",
        "error": "server_error",
        "error_description": told["message"],
        "errorCode": "OAUTH_PROVIDER_ACCESS_DENIED",
        "message": told["message"],
        "details": "{}",
    }


def test_details_of_an_error_come_as_json(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    told = refused(shop, idp, person(user["email"]))
    assert told["errorCode"] == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    assert json.loads(told["details"]) == {
        "type": "email",
        "contact_channel_value": user["email"],
        "would_work_if_email_was_verified": True,
    }


@pytest.mark.parametrize("uri", ["https://evil.example/x", "https://localhost.evil.example/", "myapp://callback", "javascript:alert(1)//"])
def test_an_untrusted_page_gets_neither_code_nor_user(shop: Project, idp: IdentityProvider, uri: str) -> None:
    """C1: it is told at the page for errors, which is trusted; where that is not either, nobody is sent anywhere."""
    profile = person()
    answer = finish(Application(shop, redirect_uri=uri), idp, profile)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(ERRORS)
    assert error_in(answer.headers["location"])["errorCode"] == "REDIRECT_URL_NOT_WHITELISTED"
    direct = finish(Application(shop, redirect_uri=uri), idp, profile, error_redirect_url="https://evil.example/errors")
    assert (direct.status_code, known_error(direct)) == (400, "REDIRECT_URL_NOT_WHITELISTED")
    assert "location" not in direct.headers
    with shop.http("server") as client:
        assert client.get("/users", params={"query": profile["email"]}).json()["items"] == []


def test_the_newer_name_of_the_page_for_errors_wins(shop: Project, idp: IdentityProvider) -> None:
    newer = "http://localhost:3000/newer"
    answer = finish(Application(shop, redirect_uri="https://evil.example"), idp, error_redirect_uri=newer)
    assert answer.headers["location"].startswith(newer + "?error=")


def test_an_untrusted_page_for_errors_does_not_matter_when_there_is_none(shop: Project, idp: IdentityProvider) -> None:
    assert finish(Application(shop), idp, error_redirect_uri="https://evil.example").status_code == 303


def test_a_project_that_trusts_nothing_finishes_no_sign_in(own_shop: Project, idp: IdentityProvider) -> None:
    own_shop.configure(allow_localhost=False, domains=[])
    for uri in (CALLBACK, "stack-auth-mobile-oauth-url://done"):
        answer = finish(Application(own_shop, redirect_uri=uri), idp)
        code = known_error(answer) or error_in(answer.headers["location"])["errorCode"]
        assert code == "REDIRECT_URL_NOT_WHITELISTED"


def test_a_provider_that_was_removed_meanwhile_is_told(own_shop: Project, idp: IdentityProvider) -> None:
    application = Application(own_shop)
    back = idp.consent(application.start(), person())
    own_shop.configure(oauth_providers=[])
    told = error_in(application.come_back(back).headers["location"])
    assert told["errorCode"] == "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"


def test_a_key_that_was_revoked_meanwhile_is_told(own_shop: Project, idp: IdentityProvider) -> None:
    application = Application(own_shop)
    back = idp.consent(application.start(), person())
    with own_shop.http("admin") as client:
        keys = client.get("/internal/api-keys").json()["items"]
        for key in keys:
            assert client.patch(f"/internal/api-keys/{key['id']}", json={"revoked": True}).status_code == 200
    answer = application.come_back(back)
    told = error_in(answer.headers["location"])
    assert (told["errorCode"], json.loads(told["details"])) == ("INVALID_PUBLISHABLE_CLIENT_KEY", {"project_id": own_shop.id})


def test_one_provider_does_not_answer_for_another(shop: Project, idp: IdentityProvider) -> None:
    """C4: the path names another provider of the project than the flow."""
    application = Application(shop)
    back = idp.consent(application.start("discord"), person()).replace("/callback/discord", "/callback/google")
    answer = application.come_back(back)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert "location" not in answer.headers
    assert not idp.calls("/token")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("access_denied", "OAUTH_PROVIDER_ACCESS_DENIED"),
        ("consent_required", "OAUTH_PROVIDER_ACCESS_DENIED"),
        ("temporarily_unavailable", "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"),
        ("server_error", "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_what_the_provider_refuses_is_told(shop: Project, idp: IdentityProvider, error: str, expected: str) -> None:
    application = Application(shop)
    answer = application.come_back(idp.refuse(application.start(), error))
    assert error_in(answer.headers["location"])["errorCode"] == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, '{"error": "invalid_grant", "error_description": "secret-of-the-provider"}', 400),
        (401, '{"error": "invalid_client", "error_description": "secret-of-the-provider"}', 400),
        (400, '{"error": "access_denied"}', "OAUTH_PROVIDER_ACCESS_DENIED"),
        (503, "secret-of-the-provider", "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"),
        (429, "{}", "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"),
        (200, "<html>secret-of-the-provider</html>", 500),
        (200, '{"token": "secret-of-the-provider"}', 500),
    ],
)
def test_what_the_provider_says_goes_nowhere(shop: Project, idp: IdentityProvider, status: int, body: str, expected: int | str) -> None:
    """C9: of its errors only the kind is told, to clients and in the log."""
    idp.broken["/token"] = (status, body)
    answer = finish(Application(shop), idp)
    if isinstance(expected, int):
        assert (answer.status_code, known_error(answer)) == (expected, None)
        assert "location" not in answer.headers
    else:
        assert error_in(answer.headers["location"])["errorCode"] == expected
    assert "secret-of-the-provider" not in answer.text + str(answer.headers) + shop.server.log()


@pytest.mark.parametrize("profile", [{"username": "x"}, {"id": ""}, {"id": "a", "email": "no address", "verified": True}, [], "text", None])
def test_a_profile_that_is_none_signs_nobody_in(shop: Project, idp: IdentityProvider, profile: Any) -> None:
    idp.broken["/me"] = (200, json.dumps(profile))
    answer = finish(Application(shop), idp)
    assert (answer.status_code, known_error(answer)) == (500, None)
    assert "location" not in answer.headers


def test_a_person_in_a_browser_gets_a_page(shop: Project, idp: IdentityProvider) -> None:
    application = Application(shop)
    answer = application.get("/auth/oauth/callback/discord?state=unknown", headers=BROWSER)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "Go back to the application" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    untrusted = Application(shop, redirect_uri="https://evil.example")
    back = idp.consent(untrusted.start(error_redirect_url=None), person())
    page = untrusted.come_back(back, **BROWSER)
    assert (page.status_code, known_error(page)) == (400, "REDIRECT_URL_NOT_WHITELISTED")
    assert page.headers["content-type"].startswith("text/html")
    assert "<p>" in page.text
    assert "=; Path=/; Expires=Thu, 01 Jan 1970" in page.headers["set-cookie"]


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "openid"},
        {"scope": "legacy openid"},
        {"scope": ""},
        {"response_type": "token"},
        {"state": ""},
        {"state": "é"},
        {"state": "a\nb"},
    ],
)
def test_what_does_not_exist_is_refused_before_anybody_is_signed_up(shop: Project, idp: IdentityProvider, changed: dict[str, str]) -> None:
    profile = person()
    answer = finish(Application(shop), idp, profile, **changed)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert "location" not in answer.headers
    with shop.http("server") as client:
        assert client.get("/users", params={"query": profile["email"]}).json()["items"] == []


@pytest.mark.parametrize("repeated", ["state", "code", "iss"])
def test_repeated_parameters_are_refused(shop: Project, idp: IdentityProvider, repeated: str) -> None:
    application = Application(shop)
    back = idp.consent(application.start(), person())
    twice = f"&{repeated}=x&{repeated}=y" if repeated == "iss" else f"&{repeated}=other"
    answer = application.come_back(back + twice)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert not idp.calls("/token")


def test_the_flow_of_one_project_is_not_seen_by_another(shop: Project, own_shop: Project, idp: IdentityProvider) -> None:
    """The state alone says whose flow it is: the user ends in that project."""
    profile = person()
    tokens = Application(shop).sign_in(idp, profile)
    assert claims_of(tokens["access_token"])["project_id"] == shop.id
    with own_shop.http("server") as client:
        assert client.get("/users", params={"query": profile["email"]}).json()["items"] == []
