"""The token endpoint and its grant of refresh tokens (contract 03 §5); codes: test_codes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.server import Project, RunningServer
from tests.sessions.tokens import claims_of, known_error

NO_KEY = "__stack_public_client__"


def fields(project: Project, token: str, /, **more: Any) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": project.id, "client_secret": NO_KEY, **more}
    return {name: value for name, value in form.items() if value is not None}


def exchange(project: Project, form: dict[str, Any], **headers: str) -> httpx.Response:
    return httpx.post(f"{project.server.api_url}/auth/oauth/token", data=form, headers=headers)


def rfc_error(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    assert known_error(answer) is None
    assert set(answer.json()) == {"error", "error_description"}
    return str(answer.json()["error"])


@pytest.mark.parametrize("as_json", [False, True])
def test_a_refresh_has_exactly_this_answer(project: Project, as_json: bool) -> None:
    user = project.sign_up()
    url = f"{project.server.api_url}/auth/oauth/token"
    form = fields(project, user["refresh_token"], extra="ignored")
    answer = httpx.post(url, json=form) if as_json else httpx.post(url, data=form)
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answer.json() == {
        "access_token": answer.json()["access_token"],
        "token_type": "Bearer",
        "expires_in": 3599,
        "scope": "legacy",
        "after_callback_redirect_url": None,
        "afterCallbackRedirectUrl": None,
    }
    claims = claims_of(answer.json()["access_token"])
    assert claims["refresh_token_id"] == claims_of(user["access_token"])["refresh_token_id"]
    assert claims["sub"] == user["user_id"]


def test_the_content_type_may_name_its_charset(project: Project) -> None:
    user = project.sign_up()
    form = fields(project, user["refresh_token"])
    answer = exchange(project, form, **{"content-type": "application/x-www-form-urlencoded;charset=UTF-8"})
    assert answer.status_code == 200


@pytest.mark.parametrize("client_id", ["{}#main", "{}"])
def test_the_key_of_the_project_is_accepted_as_secret(project: Project, client_id: str) -> None:
    user = project.sign_up()
    form = fields(project, user["refresh_token"], client_secret=project.publishable_client_key, client_id=client_id.format(project.id))
    assert exchange(project, form).status_code == 200


@pytest.mark.parametrize("grant_type", [None, "", "password", "client_credentials", "refresh_token "])
def test_other_grants_are_schema_errors(project: Project, grant_type: str | None) -> None:
    answer = exchange(project, fields(project, "x" * 45, grant_type=grant_type))
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"},
        {"client_id": "nothing"},
        {"client_id": ""},
        {"client_id": None},
        {"client_id": "{project}#other"},
        {"client_id": "{project}#"},
        {"client_secret": None},
        {"client_secret": ""},
        {"client_secret": "pck_wrong"},
        {"client_secret": "{server key}"},
    ],
)
def test_a_wrong_client_is_one_error(project: Project, changed: dict[str, str | None]) -> None:
    user = project.sign_up()
    replaced = {
        name: value and value.replace("{project}", project.id).replace("{server key}", project.secret_server_key)
        for name, value in changed.items()
    }
    answer = exchange(project, fields(project, user["refresh_token"], **replaced))
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET")
    assert answer.json()["details"] == {"client_id": None}


def test_the_key_of_another_project_is_wrong(project: Project, own_project: Project) -> None:
    user = project.sign_up()
    answer = exchange(project, fields(project, user["refresh_token"], client_secret=own_project.publishable_client_key))
    assert known_error(answer) == "INVALID_OAUTH_CLIENT_ID_OR_SECRET"


@pytest.mark.parametrize("secret", [None, NO_KEY])
def test_a_project_may_require_its_key(own_project: Project, secret: str | None) -> None:
    user = own_project.sign_up()
    own_project.override("project", **{"project.requirePublishableClientKey": True})
    answer = exchange(own_project, fields(own_project, user["refresh_token"], client_secret=secret))
    assert (answer.status_code, known_error(answer)) == (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT")
    assert answer.json()["details"] == {"project_id": own_project.id}
    with_key = fields(own_project, user["refresh_token"], client_secret=own_project.publishable_client_key)
    assert exchange(own_project, with_key).status_code == 200


def test_dead_tokens_read_as_signed_out(server: RunningServer, project: Project, own_project: Project) -> None:
    revoked, deleted, foreign = project.sign_up(), project.sign_up(), own_project.sign_up()
    with project.http("client", revoked["access_token"]) as client:
        client.delete("/auth/sessions/current")
    with project.http("server") as client:
        client.delete(f"/users/{deleted['user_id']}")
    for token in (revoked["refresh_token"], deleted["refresh_token"], foreign["refresh_token"], "0" * 45, "x"):
        answer = exchange(project, fields(project, token))
        assert (answer.status_code, known_error(answer)) == (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_refresh_token_is_an_invalid_request(project: Project, token: str | None) -> None:
    answer = exchange(project, fields(project, "", refresh_token=token))
    assert rfc_error(answer) == "invalid_request"


def test_the_only_scope_is_legacy(project: Project) -> None:
    user = project.sign_up()
    assert exchange(project, fields(project, user["refresh_token"], scope="legacy")).status_code == 200
    assert rfc_error(exchange(project, fields(project, user["refresh_token"], scope="openid"))) == "invalid_scope"


@pytest.mark.parametrize("repeated", ["grant_type", "client_id", "client_secret", "refresh_token", "scope"])
def test_a_repeated_parameter_is_refused(project: Project, repeated: str) -> None:
    user = project.sign_up()
    form = fields(project, user["refresh_token"], scope="legacy")
    answer = httpx.post(
        f"{project.server.api_url}/auth/oauth/token",
        content="&".join([*(f"{name}={value}" for name, value in form.items()), f"{repeated}={form[repeated]}"]),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert rfc_error(answer) == "invalid_request"


@pytest.mark.parametrize("repeated", ["grant_type", "client_id", "refresh_token"])
def test_a_repeated_member_is_refused(project: Project, repeated: str) -> None:
    form = fields(project, project.sign_up()["refresh_token"], extra={"client_id": 1, "client_secret": [{}]})
    text = json.dumps(form).replace("1,", "1" * 5000 + ",", 1)
    url, headers = f"{project.server.api_url}/auth/oauth/token", {"content-type": "application/json"}
    assert httpx.post(url, content=text, headers=headers).status_code == 200
    doubled = f'{text[:-1]}, "{repeated}": "{form[repeated]}"}}'
    assert rfc_error(httpx.post(url, content=doubled, headers=headers)) == "invalid_request"


def test_no_authorization_code_is_known(project: Project) -> None:
    code = {"grant_type": "authorization_code", "code": "c" * 45, "redirect_uri": "http://localhost/callback", "refresh_token": None}
    answer = exchange(project, fields(project, "", **code))
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_AUTHORIZATION_CODE")
    public = exchange(project, fields(project, "", **code, client_secret=None, code_verifier="v" * 43))
    assert known_error(public) == "INVALID_AUTHORIZATION_CODE"
    assert rfc_error(exchange(project, fields(project, "", **{**code, "code": None}))) == "invalid_request"
    assert rfc_error(exchange(project, fields(project, "", **{**code, "code": "\N{SNOWMAN}"}))) == "invalid_request"
    assert rfc_error(exchange(project, fields(project, "", **{**code, "redirect_uri": None}))) == "invalid_request"
    assert rfc_error(exchange(project, fields(project, "", **{**code, "redirect_uri": "no uri"}))) == "invalid_request"


def test_headers_are_checked_when_an_access_type_comes_along(project: Project, server: RunningServer) -> None:
    user = project.sign_up()
    form = fields(project, user["refresh_token"])
    assert exchange(project, form, **project.headers("client")).status_code == 200
    wrong = project.headers("client") | {"x-stack-publishable-client-key": "wrong"}
    assert known_error(exchange(project, form, **wrong)) == "INVALID_PUBLISHABLE_CLIENT_KEY"
    try:
        server.shift_clock(601_000)
        assert known_error(exchange(project, form, **project.headers("client", user["access_token"]))) == "ACCESS_TOKEN_EXPIRED"
    finally:
        server.shift_clock(0)
    assert exchange(project, form, **{"x-stack-access-token": "ignored without access type"}).status_code == 200


def test_bodies_that_are_no_object_are_refused(project: Project) -> None:
    url = f"{project.server.api_url}/auth/oauth/token"
    assert known_error(httpx.post(url)) == "SCHEMA_ERROR"
    assert known_error(httpx.post(url, json=[])) == "SCHEMA_ERROR"
    assert known_error(httpx.post(url, content=b"{", headers={"content-type": "application/json"})) == "BODY_PARSING_ERROR"


@pytest.mark.anyio
async def test_refreshing_races_with_signing_out_without_server_errors(project: Project) -> None:
    for _ in range(5):
        user = project.sign_up()
        form = fields(project, user["refresh_token"])
        async with project.async_http("client") as client, project.async_http("client", user["access_token"]) as signed_in:
            calls = [client.post("/auth/oauth/token", data=form) for _ in range(10)]
            calls.insert(5, signed_in.delete("/auth/sessions/current"))
            answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} <= {200, 401}
        assert all(answer.status_code == 200 or known_error(answer) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED" for answer in answers)
