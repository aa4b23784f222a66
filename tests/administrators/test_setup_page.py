"""The page behind `hexclave admin link`: once, within the hour, without script, from this page only."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from tests.cli.commands import Commands
from tests.server import NO_TLS, RunningServer, new_email

PASSWORD = "correct horse battery"


@pytest.fixture
def code(server: RunningServer) -> str:
    commands = Commands(server.directory, {name: value for name, value in server.environment.items() if name.startswith("HEXCLAVE_")})
    link = commands.json("admin", "link")["setup_link"]
    assert link.startswith(f"{server.base_url}/setup?code=")
    return str(link.partition("code=")[2])


def site(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=server.base_url, timeout=30, verify=NO_TLS)


def redeem(server: RunningServer, code: str, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    with site(server) as http:
        return http.post("/setup", data={"code": code, "email": email, "password": password}, headers=headers)


def can_administer(server: RunningServer, email: str, password: str = PASSWORD) -> bool:
    """Whether the user manages `internal`, which the administrators' team owns."""
    with server.http({"x-stack-access-type": "client", "x-stack-project-id": "internal"}) as http:
        signed_in = http.post("/auth/password/sign-in", json={"email": email, "password": password})
    if signed_in.status_code != 200:
        return False
    headers = {
        "x-stack-access-type": "admin",
        "x-stack-project-id": "internal",
        "x-stack-admin-access-token": signed_in.json()["access_token"],
    }
    with server.http(headers) as http:
        return http.get("/internal/projects/current").status_code == 200


def test_the_page_is_plain_and_locked_down(server: RunningServer, code: str) -> None:
    with site(server) as http:
        answer = http.get("/setup", params={"code": code})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"].startswith("no-store")
    assert "<script" not in answer.text
    assert not re.search(r"https?://", answer.text)


def test_a_code_makes_one_administrator_once(server: RunningServer, code: str) -> None:
    email = new_email()
    assert redeem(server, code, email).status_code == 200
    assert can_administer(server, email)
    other = new_email()
    assert redeem(server, code, other).status_code == 400
    assert not can_administer(server, other)
    with site(server) as http:
        assert http.get("/setup", params={"code": code}).status_code == 400


async def test_of_many_at_once_one_gets_it(server: RunningServer, code: str) -> None:
    emails = [new_email() for _ in range(8)]
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as http:
        answers = await asyncio.gather(*(http.post("/setup", data={"code": code, "email": e, "password": PASSWORD}) for e in emails))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert sum(can_administer(server, email) for email in emails) == 1


def test_an_existing_user_needs_his_password(server: RunningServer, code: str) -> None:
    user = server.internal.sign_up()
    assert redeem(server, code, user["email"], "not his password").status_code == 400
    assert not can_administer(server, user["email"])
    assert redeem(server, code, user["email"], user["password"]).status_code == 200
    assert can_administer(server, user["email"])


def test_a_code_is_over_after_an_hour(server: RunningServer, code: str) -> None:
    server.shift_clock(60 * 60 * 1000 + 1)
    try:
        assert redeem(server, code, new_email()).status_code == 400
    finally:
        server.shift_clock(0)


def test_other_sites_cannot_send_the_form(server: RunningServer, code: str) -> None:
    email = new_email()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert redeem(server, code, email, **headers).status_code == 403
    assert redeem(server, code, email, origin=server.base_url).status_code == 200


def test_mistakes_are_told_on_the_page_and_cost_no_code(server: RunningServer, code: str) -> None:
    email = new_email()
    for wrong_email, wrong_password in (("nobody", PASSWORD), (email, "short"), (email, "x" * 71), ('"><script>@example.com', PASSWORD)):
        answer = redeem(server, code, wrong_email, wrong_password)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert "<script" not in answer.text
    assert redeem(server, code, email).status_code == 200


@pytest.mark.parametrize("wrong", ["", "x", "0" * 45, "a' OR '1'='1"])
def test_a_wrong_code_is_nothing(server: RunningServer, wrong: str) -> None:
    assert redeem(server, wrong, new_email()).status_code == 400
