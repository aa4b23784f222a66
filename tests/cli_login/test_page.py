"""The page on which a user lets a command line in: what it tells a victim, what it takes, what it refuses (B5, D10)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import httpx
import pyotp
import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address
from tests.cli_login.calls import complete, poll, start
from tests.mmdb import write_mmdb
from tests.passwords.calls import refreshes
from tests.server import NO_TLS, DatabaseKind, Project, new_email, running_server

Login = dict[str, str]
TOTP_SECRET = bytes(range(20))


def site(project: Project, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=project.server.base_url, timeout=30, verify=NO_TLS, headers=headers)


def show(project: Project, login: Login, **headers: str) -> httpx.Response:
    with site(project, **headers) as http:
        return http.get("/cli-login", params={"project_id": project.id, "login_code": login["login_code"]})


def send(project: Project, login: Login, fields: dict[str, str], **headers: str) -> httpx.Response:
    with site(project, **headers) as http:
        return http.post("/cli-login", data={"project_id": project.id, "login_code": login["login_code"], **fields})


def credentials(user: dict[str, str]) -> dict[str, str]:
    return {"email": user["email"], "password": user["password"]}


def sessions_of(project: Project, user: dict[str, str]) -> int:
    with project.http("server") as client:
        return len(client.get("/auth/sessions", params={"user_id": user["user_id"]}).json()["items"])


def test_the_page_is_plain_locked_down_and_tells_no_other_site_its_address(project: Project) -> None:
    answer = show(project, start(project))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers.get_list("referrer-policy") == ["same-origin"]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]
    assert answer.headers["cache-control"].startswith("no-store")
    assert "<script" not in answer.text
    assert not re.search(r"https?://", answer.text)
    assert "set-cookie" not in answer.headers


def test_a_user_lets_the_command_line_in(project: Project) -> None:
    login, user = start(project), project.sign_up()
    answer = send(project, login, credentials(user))
    assert answer.status_code == 200
    assert "Done" in answer.text
    assert "set-cookie" not in answer.headers
    token = poll(project, login).json()["refresh_token"]
    assert token != user["refresh_token"]
    assert refreshes(project, token)
    with project.http("client", **{"x-stack-refresh-token": token}) as client:
        access_token = client.post("/auth/sessions/current/refresh").json()["access_token"]
    with project.http("client", access_token) as client:
        assert client.get("/users/me").json()["id"] == user["user_id"]
    assert show(project, login).status_code == 400


def test_a_wrong_password_is_told_and_costs_nothing(project: Project) -> None:
    login, user = start(project), project.sign_up()
    for fields in (
        {"email": user["email"], "password": "not his password"},
        {"email": new_email(), "password": user["password"]},
        {"email": '"><b>@example.com', "password": "x"},
        {"email": "", "password": ""},
        {"email": user["email"], "password": "x" * 71},
        {},
    ):
        answer = send(project, login, fields)
        assert answer.status_code == 400
        assert 'role="alert">The email address or the password is wrong.' in answer.text
        assert "<b>" not in answer.text
    assert sessions_of(project, user) == 1
    assert send(project, login, credentials(user)).status_code == 200


def test_a_login_that_does_not_wait_has_no_form(project: Project, own_project: Project) -> None:
    user = project.sign_up()
    expired, completed, foreign = start(project, expires_in_millis=0), start(project), start(own_project)
    complete(project, completed, refresh_token=user["refresh_token"])
    upper_case = {"login_code": start(project)["login_code"].upper()}
    for login in (expired, completed, foreign, upper_case, {"login_code": ""}, {"login_code": "'\"><script>"}):
        for answer in (show(project, login), send(project, login, credentials(user))):
            assert answer.status_code == 400
            assert "This link does not work" in answer.text
            assert "<form" not in answer.text
            assert "<script" not in answer.text
    assert sessions_of(project, user) == 1


@pytest.mark.parametrize("project_id", ["", "x", "00000000-0000-4000-8000-000000000000", "'\"><script>"])
def test_an_unknown_project_has_no_form(project: Project, project_id: str) -> None:
    login = start(project)
    with site(project) as http:
        answer = http.get("/cli-login", params={"project_id": project_id, "login_code": login["login_code"]})
    assert answer.status_code == 400
    assert "<form" not in answer.text


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
def test_other_sites_cannot_send_the_form(project: Project, headers: dict[str, str]) -> None:
    login, user = start(project), project.sign_up()
    answer = send(project, login, credentials(user), **headers)
    assert answer.status_code == 403
    assert poll(project, login).json() == {"status": "waiting"}
    assert sessions_of(project, user) == 1
    for own in ({"origin": project.server.base_url}, {"sec-fetch-site": "same-origin", "origin": "null"}):
        assert send(project, start(project), credentials(user), **own).status_code == 200


def test_a_project_without_passwords_says_so(own_project: Project) -> None:
    login, user = start(own_project), own_project.sign_up()
    own_project.configure(credential_enabled=False)
    answer = send(own_project, login, credentials(user))
    assert answer.status_code == 400
    assert "Use the application's own page" in answer.text


def test_the_name_of_a_project_cannot_be_markup(own_project: Project) -> None:
    with own_project.http("admin") as client:
        assert client.patch("/internal/projects/current", json={"display_name": "<script>alert(1)</script>"}).status_code == 200
    answer = show(own_project, start(own_project))
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script" not in answer.text


def test_restricted_users_may_sign_in_here_too(project: Project) -> None:
    login, user = start(project), project.sign_up()
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"restricted_by_admin": True})
    assert send(project, login, credentials(user)).status_code == 200
    assert poll(project, login).status_code == 201


# --- the second factor ---


def with_second_factor(project: Project) -> dict[str, str]:
    user = project.sign_up()
    with project.http("server") as client:
        assert (
            client.patch(f"/users/{user['user_id']}", json={"totp_secret_base64": base64.b64encode(TOTP_SECRET).decode()}).status_code
            == 200
        )
    return user


def attempt_of(answer: httpx.Response) -> str:
    found = re.search(r'name="attempt_code" value="([0-9a-z]{45})"', answer.text)
    assert found, answer.text
    return found[1]


def test_a_user_with_a_second_factor_brings_it_in_a_second_step(project: Project) -> None:
    login, user = start(project), with_second_factor(project)
    attempt = attempt_of(send(project, login, credentials(user)))
    assert poll(project, login).json() == {"status": "waiting"}
    wrong = send(project, login, {"attempt_code": attempt, "second_factor": "not a code"})
    assert wrong.status_code == 400
    assert attempt_of(wrong) == attempt
    assert sessions_of(project, user) == 1
    code = pyotp.TOTP(base64.b32encode(TOTP_SECRET).decode()).now()
    done = send(project, login, {"attempt_code": attempt, "second_factor": f"{code[:3]} {code[3:]}"})
    assert done.status_code == 200, done.text
    assert refreshes(project, poll(project, login).json()["refresh_token"])


def test_an_attempt_of_nobody_leads_back_to_the_first_step(project: Project) -> None:
    login = start(project)
    for attempt in ("0" * 45, "x", "'\"><script>"):
        answer = send(project, login, {"attempt_code": attempt, "second_factor": "123456"})
        assert answer.status_code == 400
        assert 'name="password"' in answer.text
        assert "<script" not in answer.text


# --- what a victim reads ---


@pytest.fixture(scope="module")
def located(database: DatabaseKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    path = write_mmdb(tmp_path_factory.mktemp("geoip") / "cities.mmdb")
    with running_server(database, {**BEHIND_A_PROXY, "HEXCLAVE_GEOIP_DATABASE": str(path)}) as server:
        yield server.project


def started_from(project: Project, address: str, access: str = "client") -> Login:
    with project.http(access, **from_address(address)) as client:
        return client.post("/auth/cli").json()  # type: ignore[no-any-return]


def test_the_page_says_who_asks_since_when_and_from_where(located: Project) -> None:
    login = started_from(located, "81.2.69.160")
    text = show(located, login, **from_address("81.2.69.160")).text
    assert "Test project" in text
    assert "just now" in text
    assert "81.2.69.160 (Berlin, DE)" in text
    assert f"<dd>{login['login_code'][-6:]}</dd>" in text
    assert "another address than yours" not in text


def test_the_page_warns_of_a_command_line_elsewhere(located: Project) -> None:
    login = started_from(located, "81.2.69.160")
    assert "another address than yours (198.51.100.3)" in show(located, login, **from_address("198.51.100.3")).text
    same_network = started_from(located, "2a02:8100::1")
    assert "another address than yours" not in show(located, same_network, **from_address("2a02:8100::2")).text


def test_the_address_of_a_back_end_is_not_shown(located: Project) -> None:
    text = show(located, started_from(located, "81.2.69.160", "server"), **from_address("198.51.100.3")).text
    assert "81.2.69.160" not in text
    assert "another address than yours" not in text


def test_guessing_here_is_throttled_as_at_every_sign_in(located: Project) -> None:
    login, user = started_from(located, "81.2.69.160"), located.sign_up()
    answers = [send(located, login, {"email": user["email"], "password": f"wrong password {n}"}) for n in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [400] * 10
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many tries" in answers[-1].text
    with located.http("client") as client:
        assert client.post("/auth/password/sign-in", json=credentials(user)).status_code == 429, "one count for both doors"
