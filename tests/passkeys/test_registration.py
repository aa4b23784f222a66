"""Registering passkeys (contract 02 §5.1, §5.2)."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import cbor2
import pytest

from tests.passkeys.authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    EDDSA,
    ES256,
    RS256,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    Key,
    base64url,
    from_base64url,
)
from tests.passkeys.calls import (
    PATHS,
    new_passkey_project,
    register,
    registered,
    require_refused,
    sign_in,
    start_registration,
    start_sign_in,
)
from tests.passwords.calls import read_user, refreshes
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

FAILED = "PASSKEY_REGISTRATION_FAILED"


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_options_are_those_of_the_contract(project: Project, access: str) -> None:
    user = project.sign_up()
    start = start_registration(project, user["access_token"], access)
    assert set(start) == {"code", "options_json"}
    assert len(start["code"]) == 45
    options = start["options_json"]
    challenge = options.pop("challenge")
    assert len(from_base64url(challenge)) == 32
    assert "=" not in challenge
    assert options == {
        "rp": {"id": "THIS_VALUE_WILL_BE_REPLACED.example.com", "name": "Test project"},
        "user": {"id": base64url(user["user_id"].encode()), "name": user["email"], "displayName": user["email"]},
        "timeout": 60000,
        "attestation": "none",
        "pubKeyCredParams": [{"alg": alg, "type": "public-key"} for alg in (-8, -7, -257)],
        "excludeCredentials": [],
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": True, "userVerification": "preferred"},
        "extensions": {"credProps": True},
    }


def test_challenges_are_never_the_same(project: Project) -> None:
    token = project.sign_up()["access_token"]
    starts = [start_registration(project, token) for _ in range(5)]
    assert len({start["options_json"]["challenge"] for start in starts}) == 5
    assert len({start["code"] for start in starts}) == 5


def test_the_user_is_named_by_name_address_or_a_fixed_text(project: Project) -> None:
    def names(**fields: Any) -> set[str]:
        user = project.create_user(**fields)
        with project.http("server") as client:
            token = client.post("/auth/sessions", json={"user_id": user["id"]}).json()["access_token"]
        owner = start_registration(project, token)["options_json"]["user"]
        return {owner["name"], owner["displayName"]}

    assert names(display_name="Ada", primary_email="ada@example.com") == {"Ada"}
    assert names(primary_email="grace@example.com") == {"grace@example.com"}
    assert len(names()) == 1


@pytest.mark.parametrize("access", ["client", "server", "admin"])
@pytest.mark.parametrize(
    ("algorithm", "packed"), [(ES256, False), (EDDSA, False), (RS256, False), (ES256, True), (EDDSA, True), (RS256, True)]
)
def test_a_passkey_is_registered(project: Project, access: str, algorithm: int, packed: bool) -> None:
    user = project.sign_up()
    assert read_user(project, user["user_id"])["passkey_auth_enabled"] is False
    authenticator = Authenticator(algorithm)
    start = start_registration(project, user["access_token"], access)
    answer = register(project, user["access_token"], start["code"], authenticator.create(start["options_json"], packed=packed), access)
    assert (answer.status_code, answer.json()) == (200, {"user_handle": authenticator.id})
    read = read_user(project, user["user_id"])
    assert read["passkey_auth_enabled"] is True
    assert read["auth_with_email"] is True
    with project.http("client", user["access_token"]) as client:
        assert client.get("/users/me").json()["passkey_auth_enabled"] is True
    assert refreshes(project, user["refresh_token"])
    assert sign_in(project, authenticator).json()["user_id"] == user["user_id"]


def test_a_user_may_have_several_and_each_signs_him_in(project: Project) -> None:
    user = project.sign_up()
    authenticators = [registered(project, user["access_token"]) for _ in range(3)]
    for authenticator in authenticators:
        assert sign_in(project, authenticator).json()["user_id"] == user["user_id"]


def test_the_same_credential_again_takes_the_new_key(project: Project) -> None:
    user = project.sign_up()
    first = registered(project, user["access_token"])
    second = registered(project, user["access_token"], Authenticator(credential_id=first.credential_id))
    require_refused(sign_in(project, first), "PASSKEY_AUTHENTICATION_FAILED")
    assert sign_in(project, second).status_code == 200


@pytest.mark.parametrize("flags", [USER_PRESENT, USER_PRESENT | USER_VERIFIED, USER_PRESENT | BACKUP_ELIGIBLE | BACKED_UP])
def test_user_verification_is_not_required(project: Project, flags: int) -> None:
    registered(project, project.sign_up()["access_token"], flags=flags)


def test_padding_is_tolerated(project: Project) -> None:
    token, authenticator = project.sign_up()["access_token"], Authenticator(credential_id=bytes(31))
    start = start_registration(project, token)
    credential = authenticator.create(start["options_json"])

    def padded(text: str) -> str:
        return base64.urlsafe_b64encode(from_base64url(text)).decode()

    credential["id"], credential["rawId"] = padded(credential["id"]), credential["rawId"]
    for name in ("clientDataJSON", "attestationObject"):
        credential["response"][name] = padded(credential["response"][name])
    assert register(project, token, start["code"], credential).json() == {"user_handle": authenticator.id}


def test_the_credential_id_is_that_of_the_authenticator_whatever_the_json_says(project: Project) -> None:
    token, authenticator = project.sign_up()["access_token"], Authenticator()
    start = start_registration(project, token)
    other = base64url(b"another id")
    credential = authenticator.create(start["options_json"], credential={"id": other, "rawId": other})
    assert register(project, token, start["code"], credential).json() == {"user_handle": authenticator.id}


@pytest.mark.parametrize(
    "origin", ["http://localhost", "https://shop.localhost:1", "http://127.0.0.1:3000", "https://shop.example.com:8443"]
)
def test_trusted_origins(project: Project, origin: str) -> None:
    registered(project, project.sign_up()["access_token"], Authenticator(origin=origin))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "https://shop.example.com",
        "http://shop.example.com:8443",
        "https://shop.example.com:8443/path",
        "https://user@shop.example.com:8443",
        "HTTPS://shop.example.com:8443",
        "android:apk-key-hash:abc",
        "null",
        "",
    ],
)
def test_origins_that_are_not_trusted(project: Project, origin: str) -> None:
    token = project.sign_up()["access_token"]
    start = start_registration(project, token)
    credential = Authenticator().create(start["options_json"], client_data={"origin": origin}, rp_id="shop.example.com")
    require_refused(register(project, token, start["code"], credential), FAILED)


WRONG: dict[str, dict[str, Any]] = {
    "another RP id": {"rp_id": "example.com"},
    "the placeholder as RP id": {"rp_id": "THIS_VALUE_WILL_BE_REPLACED.example.com"},
    "another challenge": {"client_data": {"challenge": base64url(bytes(32))}},
    "no challenge": {"client_data": {"challenge": ""}},
    "the other ceremony": {"client_data": {"type": "webauthn.get"}},
    "nobody there": {"flags": USER_VERIFIED},
    "backed up but not eligible": {"flags": USER_PRESENT | BACKED_UP},
    "a stranger's frame": {"client_data": {"crossOrigin": True, "topOrigin": "https://evil.example.com"}},
    "a frame of nobody knows whom": {"client_data": {"crossOrigin": True}},
    "an origin that is a number": {"client_data": {"origin": 7}},
    "ids that differ": {"credential": {"id": base64url(b"x")}},
    "another type": {"credential": {"type": "password"}},
    "no response": {"credential": {"response": None}},
    "an id that is no base64url": {"credential": {"id": "!!", "rawId": "!!"}},
    "a signature of nothing": {"packed": True, "signature": b"x" * 70},
    "an unknown attestation": {"attestation": {"fmt": "unheard-of"}},
    "an attestation of the wrong type": {"attestation": {"fmt": 7, "attStmt": []}},
    "a statement where none belongs": {"attestation": {"attStmt": {"sig": b"x"}}},
    "no authenticator data": {"attestation": {"authData": b""}},
    "a key that is no map": {"cose": cbor2.dumps([1, 2])},
    "an algorithm nobody asked for": {"cose": cbor2.dumps({1: 2, 3: -36, -1: 3, -2: bytes(66), -3: bytes(66)})},
    "a point beside the curve": {"cose": cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\1" * 32})},
    "a key of another type": {"cose": cbor2.dumps({1: 1, 3: -7, -1: 6, -2: bytes(32)})},
    "an RSA key called elliptic": {"cose": cbor2.dumps(Key(RS256).cose() | {3: -7})},
    "a gigantic RSA key": {"cose": cbor2.dumps({1: 3, 3: -257, -1: b"\xff" * 2000, -2: b"\xff" * 2000})},
    "trailing bytes": {"cose": cbor2.dumps(Key(ES256).cose()) + b"\0"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_is_one_answer_and_uses_up_the_code(project: Project, wrong: dict[str, Any]) -> None:
    user = project.sign_up()
    start = start_registration(project, user["access_token"])
    credential = Authenticator().create(start["options_json"], **wrong)
    require_refused(register(project, user["access_token"], start["code"], credential), FAILED)
    again = register(project, user["access_token"], start["code"], Authenticator().create(start["options_json"]))
    assert known_error(again) == "VERIFICATION_CODE_ALREADY_USED"
    assert read_user(project, user["user_id"])["passkey_auth_enabled"] is False


@pytest.mark.parametrize("length", [0, 1024])
def test_credential_ids_of_impossible_length(project: Project, length: int) -> None:
    token, authenticator = project.sign_up()["access_token"], Authenticator()
    authenticator.credential_id = bytes(length)
    start = start_registration(project, token)
    require_refused(register(project, token, start["code"], authenticator.create(start["options_json"])), FAILED)


@pytest.mark.parametrize("credential", [None, 7, "text", [], {}, {"id": "x"}, {"id": 1, "rawId": 1, "type": 1, "response": 1}])
def test_what_is_no_credential_fails(project: Project, credential: Any) -> None:
    token = project.sign_up()["access_token"]
    start = start_registration(project, token)
    require_refused(register(project, token, start["code"], credential), FAILED)


def test_a_frame_within_a_trusted_page_may_be_of_another_origin(project: Project) -> None:
    registered(project, project.sign_up()["access_token"], client_data={"crossOrigin": True, "topOrigin": "https://shop.example.com:8443"})


def test_a_challenge_is_for_the_user_who_asked(project: Project) -> None:
    asked, other = project.sign_up(), project.sign_up()
    start = start_registration(project, asked["access_token"])
    credential = Authenticator().create(start["options_json"])
    require_refused(register(project, other["access_token"], start["code"], credential), FAILED)
    assert read_user(project, other["user_id"])["passkey_auth_enabled"] is False


def test_a_credential_of_another_user_is_refused(project: Project) -> None:
    owner, thief = project.sign_up(), project.sign_up()
    authenticator = registered(project, owner["access_token"])
    start = start_registration(project, thief["access_token"])
    own_key = Authenticator(credential_id=authenticator.credential_id)
    require_refused(register(project, thief["access_token"], start["code"], own_key.create(start["options_json"])), FAILED)
    assert read_user(project, thief["user_id"])["passkey_auth_enabled"] is False
    assert sign_in(project, authenticator).json()["user_id"] == owner["user_id"]


def test_one_credential_may_be_registered_in_several_projects(project: Project, server: RunningServer) -> None:
    other = new_passkey_project(server)
    here, there = project.sign_up(), other.sign_up()
    authenticator = registered(project, here["access_token"])
    registered(other, there["access_token"], authenticator)
    assert sign_in(project, authenticator).json()["user_id"] == here["user_id"]
    assert sign_in(other, authenticator).json()["user_id"] == there["user_id"]


def test_codes_of_a_kind_or_project_serve_nothing_else(project: Project, server: RunningServer) -> None:
    user = project.sign_up()
    other = new_passkey_project(server)
    sign_in_code = start_sign_in(project)["code"]
    foreign = start_registration(other, other.sign_up()["access_token"])["code"]
    for code in (sign_in_code, foreign, "x" * 45):
        answer = register(project, user["access_token"], code, {})
        assert (answer.status_code, known_error(answer)) == (404, "VERIFICATION_CODE_NOT_FOUND")


def test_a_code_ends_after_65_seconds(project: Project, server: RunningServer) -> None:
    token = project.sign_up()["access_token"]
    start = start_registration(project, token)
    server.shift_clock(66_000)
    try:
        answer = register(project, token, start["code"], Authenticator().create(start["options_json"]))
    finally:
        server.shift_clock(0)
    assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_EXPIRED")


def test_where_passkeys_are_off_nothing_goes(server: RunningServer) -> None:
    project = new_passkey_project(server)
    user = project.sign_up()
    start = start_registration(project, user["access_token"])
    sign_in_start = start_sign_in(project)
    project.configure(passkey_enabled=False)
    with project.http("client", user["access_token"]) as client:
        answers = [
            client.post(PATHS["start_registration"], json={}),
            client.post(PATHS["start_sign_in"], json={}),
            client.post(PATHS["register"], json={"credential": {}, "code": start["code"]}),
            client.post(PATHS["sign_in"], json={"authentication_response": {}, "code": sign_in_start["code"]}),
        ]
        for answer in answers:
            require_refused(answer, "PASSKEY_AUTHENTICATION_NOT_ENABLED")
        again = client.post(PATHS["register"], json={"credential": {}, "code": start["code"]})
    assert known_error(again) == "VERIFICATION_CODE_ALREADY_USED"


@pytest.mark.parametrize("path", [PATHS["start_registration"], PATHS["register"]])
def test_a_user_is_required(project: Project, path: str) -> None:
    body = {"credential": {}, "code": "x" * 45}
    with project.http("client") as client:
        answer = client.post(path, json=body)
    assert known_error(answer) == "SCHEMA_ERROR"
    assert "auth.user" in answer.text
    deleted = project.sign_up()
    with project.http("server") as client:
        client.delete(f"/users/{deleted['user_id']}")
    with project.http("client", deleted["access_token"]) as client:
        assert known_error(client.post(path, json=body)) == "SCHEMA_ERROR"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"credential": {}},
        {"code": "x" * 45},
        {"credential": {}, "code": "x" * 44},
        {"credential": {}, "code": "x" * 45, "more": 1},
        [],
        "x",
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: Any) -> None:
    with project.http("client", project.sign_up()["access_token"]) as client:
        assert known_error(client.post(PATHS["register"], json=body)) == "SCHEMA_ERROR"


def test_starting_ignores_the_body(project: Project) -> None:
    with project.http("client", project.sign_up()["access_token"]) as client:
        for options in ({}, {"json": {}}, {"json": {"anything": str(uuid.uuid4())}}):
            assert client.post(PATHS["start_registration"], **options).status_code == 200
            assert client.post(PATHS["start_sign_in"], **options).status_code == 200
