"""Signing in with passkeys (contract 02 §5.3, §5.4), and how they go (05 §1.3)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.mfa.calls import finish, set_totp, totp
from tests.passkeys.authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    EDDSA,
    ES256,
    RS256,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    base64url,
    from_base64url,
)
from tests.passkeys.calls import (
    PATHS,
    new_passkey_project,
    registered,
    require_refused,
    send_sign_in,
    sign_in,
    start_registration,
    start_sign_in,
)
from tests.passwords.calls import read_user, refreshes
from tests.server import Project, RunningServer
from tests.sessions.tokens import claims_of, known_error

FAILED = "PASSKEY_AUTHENTICATION_FAILED"


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_options_are_those_of_the_contract(project: Project, access: str) -> None:
    start = start_sign_in(project, access)
    assert set(start) == {"code", "options_json"}
    assert len(start["code"]) == 45
    challenge = start["options_json"].pop("challenge")
    assert len(from_base64url(challenge)) == 32
    assert start["options_json"] == {
        "rpId": "THIS_VALUE_WILL_BE_REPLACED.example.com",
        "allowCredentials": [],
        "timeout": 60000,
        "userVerification": "preferred",
    }


@pytest.mark.parametrize("access", ["client", "server", "admin"])
@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_each_sign_in_is_a_session_of_its_own(project: Project, access: str, algorithm: int) -> None:
    user = project.sign_up()
    authenticator = registered(project, user["access_token"], Authenticator(algorithm))
    answers = [sign_in(project, authenticator, access) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"access_token", "refresh_token", "is_new_user", "user_id"}
        assert answer.json()["user_id"] == user["user_id"] == claims_of(answer.json()["access_token"])["sub"]
        assert answer.json()["is_new_user"] is False
        assert refreshes(project, answer.json()["refresh_token"])
    assert answers[0].json()["refresh_token"] != answers[1].json()["refresh_token"]
    assert refreshes(project, user["refresh_token"])


def test_the_user_handle_says_nothing(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    authenticator = registered(project, user["access_token"])
    for handle in (None, base64url(other["user_id"].encode()), "x"):
        assert sign_in(project, authenticator, user_handle=handle).json()["user_id"] == user["user_id"]


def test_padding_is_tolerated(project: Project) -> None:
    authenticator = registered(project, project.sign_up()["access_token"], Authenticator(credential_id=b"padded"))
    start = start_sign_in(project)
    response = authenticator.get(start["options_json"])
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        response["response"][name] = base64.urlsafe_b64encode(from_base64url(response["response"][name])).decode()
    assert send_sign_in(project, start["code"], response).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "an origin nobody trusts": {"client_data": {"origin": "https://evil.example.com"}},
    "another trusted origin": {"client_data": {"origin": "https://shop.example.com:8443"}, "rp_id": "shop.example.com"},
    "another RP id": {"rp_id": "example.com"},
    "another challenge": {"client_data": {"challenge": base64url(bytes(32))}},
    "the other ceremony": {"client_data": {"type": "webauthn.create"}},
    "nobody there": {"flags": USER_VERIFIED},
    "a stranger's frame": {"client_data": {"crossOrigin": True, "topOrigin": "https://evil.example.com"}},
    "an empty signature": {"signature": b""},
    "a signature of something else": {"signature": bytes(64)},
    "a signature too long": {"signature": bytes(20_000)},
    "the counter of the last time": {"sign_count": 1},
    "a counter of none": {"sign_count": 0},
    "ids that differ": {"credential": {"id": base64url(b"x")}},
    "another type": {"credential": {"type": "password"}},
    "no response": {"credential": {"response": None}},
    "an unknown credential": {"credential": {"id": base64url(b"x"), "rawId": base64url(b"x")}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_is_one_answer_and_uses_up_the_code(project: Project, wrong: dict[str, Any]) -> None:
    user = project.sign_up()
    authenticator = registered(project, user["access_token"])
    start = start_sign_in(project)
    refused = send_sign_in(project, start["code"], authenticator.get(start["options_json"], **wrong))
    require_refused(refused, FAILED)
    again = send_sign_in(project, start["code"], authenticator.get(start["options_json"]))
    assert (again.status_code, known_error(again)) == (409, "VERIFICATION_CODE_ALREADY_USED")
    assert sign_in(project, authenticator).status_code == 200


@pytest.mark.parametrize("response", [None, 7, "text", [], {}, {"id": "x", "rawId": "x", "type": "public-key", "response": {}}])
def test_what_is_no_response_fails(project: Project, response: Any) -> None:
    require_refused(send_sign_in(project, start_sign_in(project)["code"], response), FAILED)


def test_a_signature_of_another_key_fails(project: Project) -> None:
    owner = registered(project, project.sign_up()["access_token"])
    for algorithm in (ES256, EDDSA, RS256):
        forger = Authenticator(algorithm, credential_id=owner.credential_id)
        forger.sign_count = 100
        require_refused(sign_in(project, forger), FAILED)


def test_a_signed_answer_is_good_for_its_own_challenge_only(project: Project) -> None:
    authenticator = registered(project, project.sign_up()["access_token"])
    start = start_sign_in(project)
    response = authenticator.get(start["options_json"])
    assert send_sign_in(project, start["code"], response).status_code == 200
    assert known_error(send_sign_in(project, start["code"], response)) == "VERIFICATION_CODE_ALREADY_USED"
    require_refused(send_sign_in(project, start_sign_in(project)["code"], response), FAILED)


def test_a_copy_of_the_device_counts_behind_and_is_refused(project: Project) -> None:
    device = registered(project, project.sign_up()["access_token"])
    copy = device.clone()
    assert sign_in(project, device).status_code == 200
    assert sign_in(project, device).status_code == 200
    require_refused(sign_in(project, copy), FAILED)
    require_refused(sign_in(project, copy), FAILED)
    assert sign_in(project, copy).status_code == 200, "from here on it is the device that is behind, and noticed"
    require_refused(sign_in(project, device), FAILED)


def test_a_passkey_that_does_not_count_works_again_and_again(project: Project) -> None:
    authenticator = registered(project, project.sign_up()["access_token"], Authenticator(counts=False))
    for _ in range(3):
        assert sign_in(project, authenticator).status_code == 200


def test_a_passkey_that_stops_counting_is_refused(project: Project) -> None:
    authenticator = registered(project, project.sign_up()["access_token"])
    require_refused(sign_in(project, authenticator, sign_count=0), FAILED)


def test_whether_it_is_backed_up_may_change(project: Project) -> None:
    authenticator = registered(project, project.sign_up()["access_token"])
    assert sign_in(project, authenticator, flags=USER_PRESENT | BACKUP_ELIGIBLE | BACKED_UP).status_code == 200


def test_a_second_factor_follows(project: Project) -> None:
    user = project.sign_up()
    authenticator = registered(project, user["access_token"])
    set_totp(project, user["user_id"])
    answer = sign_in(project, authenticator)
    assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert len(answer.json()["details"]["attempt_code"]) == 45
    with project.http("server") as client:
        assert len(client.get("/auth/sessions", params={"user_id": user["user_id"]}).json()["items"]) == 1


def test_another_projects_passkeys_are_unknown(project: Project, server: RunningServer) -> None:
    other = new_passkey_project(server)
    authenticator = registered(other, other.sign_up()["access_token"])
    require_refused(sign_in(project, authenticator), FAILED)


def test_codes_of_a_kind_or_project_serve_nothing_else(project: Project, server: RunningServer) -> None:
    user = project.sign_up()
    other = new_passkey_project(server)
    codes = [start_registration(project, user["access_token"])["code"], start_sign_in(other)["code"], "x" * 45]
    for code in codes:
        answer = send_sign_in(project, code, {})
        assert (answer.status_code, known_error(answer)) == (404, "VERIFICATION_CODE_NOT_FOUND")


def test_a_code_ends_after_65_seconds(project: Project, server: RunningServer) -> None:
    authenticator = registered(project, project.sign_up()["access_token"])
    start = start_sign_in(project)
    server.shift_clock(66_000)
    try:
        answer = send_sign_in(project, start["code"], authenticator.get(start["options_json"]))
    finally:
        server.shift_clock(0)
    assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_EXPIRED")


@pytest.mark.parametrize(
    "body",
    [{}, {"authentication_response": {}}, {"code": "x" * 45}, {"authentication_response": {}, "code": "x"}, {"code": "x" * 45, "a": 1}, []],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: Any) -> None:
    with project.http("client") as client:
        assert known_error(client.post(PATHS["sign_in"], json=body)) == "SCHEMA_ERROR"


@pytest.mark.parametrize("by", ["client", "server"])
def test_switching_passkeys_off_removes_them_all(project: Project, by: str) -> None:
    user, other = project.sign_up(), project.sign_up()
    authenticators = [registered(project, user["access_token"]) for _ in range(2)]
    kept = registered(project, other["access_token"])
    path = "/users/me" if by == "client" else f"/users/{user['user_id']}"
    with project.http(by, user["access_token"]) as client:
        for _ in range(2):
            answer = client.patch(path, json={"passkey_auth_enabled": False})
            assert answer.json()["passkey_auth_enabled"] is False
        assert client.patch(path, json={"passkey_auth_enabled": True}).status_code == 400
    for authenticator in authenticators:
        require_refused(sign_in(project, authenticator), FAILED)
    assert sign_in(project, kept).json()["user_id"] == other["user_id"]
    assert refreshes(project, user["refresh_token"])
    registered(project, user["access_token"], authenticators[0])
    assert read_user(project, user["user_id"])["passkey_auth_enabled"] is True


def test_sign_ins_that_were_begun_with_a_passkey_end_with_it(project: Project) -> None:
    user = project.sign_up()
    authenticator = registered(project, user["access_token"])
    set_totp(project, user["user_id"])
    code = sign_in(project, authenticator).json()["details"]["attempt_code"]
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"passkey_auth_enabled": False})
    assert known_error(finish(project, code, totp())) == "VERIFICATION_CODE_NOT_FOUND"


def test_passkeys_go_with_their_user(project: Project) -> None:
    user, next_owner = project.sign_up(), project.sign_up()
    authenticator = registered(project, user["access_token"])
    with project.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    require_refused(sign_in(project, authenticator), FAILED)
    registered(project, next_owner["access_token"], authenticator)
    assert sign_in(project, authenticator).json()["user_id"] == next_owner["user_id"]


def test_lists_of_users_show_who_has_a_passkey(own_project: Project) -> None:
    own_project.configure(passkey_enabled=True, allow_localhost=True)
    with_passkey, without = own_project.sign_up(), own_project.sign_up()
    for _ in range(2):
        registered(own_project, with_passkey["access_token"])
    with own_project.http("server") as client:
        for params in ({}, {"limit": 10}, {"limit": 10, "query": "user"}):
            items = client.get("/users", params=params).json()["items"]
            shown = {item["id"]: item["passkey_auth_enabled"] for item in items}
            assert shown == {with_passkey["user_id"]: True, without["user_id"]: False}
