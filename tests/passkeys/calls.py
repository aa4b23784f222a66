"""The calls that tests of passkeys make again and again."""

from __future__ import annotations

from typing import Any

import httpx

from tests.passkeys.authenticator import Authenticator
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

PATHS = {
    "start_registration": "/auth/passkey/initiate-passkey-registration",
    "register": "/auth/passkey/register",
    "start_sign_in": "/auth/passkey/initiate-passkey-authentication",
    "sign_in": "/auth/passkey/sign-in",
}


def new_passkey_project(server: RunningServer) -> Project:
    """A project that allows passkeys, on localhost and on https://shop.example.com:8443."""
    return server.new_project(
        passkey_enabled=True, allow_localhost=True, domains=[{"domain": "https://shop.example.com:8443", "handler_path": "/handler"}]
    )


def start_registration(project: Project, access_token: str, access: str = "client") -> dict[str, Any]:
    with project.http(access, access_token) as client:
        answer = client.post(PATHS["start_registration"], json={})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def register(project: Project, access_token: str, code: str, credential: Any, access: str = "client") -> httpx.Response:
    with project.http(access, access_token) as client:
        return client.post(PATHS["register"], json={"credential": credential, "code": code})


def registered(project: Project, access_token: str, authenticator: Authenticator | None = None, **options: Any) -> Authenticator:
    """An authenticator with a passkey of the user."""
    authenticator = authenticator or Authenticator()
    start = start_registration(project, access_token)
    answer = register(project, access_token, start["code"], authenticator.create(start["options_json"], **options))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"user_handle": authenticator.id}
    return authenticator


def start_sign_in(project: Project, access: str = "client") -> dict[str, Any]:
    with project.http(access) as client:
        answer = client.post(PATHS["start_sign_in"], json={})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def send_sign_in(project: Project, code: str, response: Any, access: str = "client") -> httpx.Response:
    with project.http(access) as client:
        return client.post(PATHS["sign_in"], json={"authentication_response": response, "code": code})


def sign_in(project: Project, authenticator: Authenticator, access: str = "client", **options: Any) -> httpx.Response:
    """A whole sign-in with the authenticator."""
    start = start_sign_in(project, access)
    return send_sign_in(project, start["code"], authenticator.get(start["options_json"], **options), access)


def require_refused(answer: httpx.Response, code: str) -> None:
    """400 with this code and no details."""
    assert (answer.status_code, known_error(answer)) == (400, code), answer.text
    assert "details" not in answer.json()
