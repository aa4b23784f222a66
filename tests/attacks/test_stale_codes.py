"""B3: a code does nothing once what it was made for has changed: password, address, account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.otp import calls as otp
from tests.passwords.calls import NEW_PASSWORD, PASSWORD, refreshes, sign_in
from tests.passwords.resets import ask, check, reset
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error

THIRD = "third password of all"


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    return server.new_project(magic_link_enabled=True)


def change(project: Project, user_id: str, **fields: Any) -> None:
    with project.http("server") as client:
        answer = client.patch(f"/users/{user_id}", json=fields)
    assert answer.status_code == 200, answer.text


def require_not_found(project: Project, code: str) -> None:
    for answer in (check(project, code), reset(project, code, THIRD)):
        assert (answer.status_code, known_error(answer)) == (404, "VERIFICATION_CODE_NOT_FOUND")


def test_changing_the_password_ends_codes_to_reset_the_former_one(project: Project) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    with project.http("client", user["access_token"], **{"x-stack-refresh-token": user["refresh_token"]}) as client:
        body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert client.post("/auth/password/update", json=body).status_code == 200
    require_not_found(project, code)
    assert sign_in(project, user["email"], NEW_PASSWORD).status_code == 200
    assert refreshes(project, user["refresh_token"])


@pytest.mark.parametrize("password", [NEW_PASSWORD, None])
def test_a_server_that_changes_or_removes_it_ends_them_too(project: Project, password: str | None) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    change(project, user["user_id"], password=password)
    require_not_found(project, code)


def test_a_first_password_ends_them_too(project: Project) -> None:
    email = new_email()
    user = otp.verified_user(project, email)
    code = ask(project, email)
    token = otp.sign_in(project, otp.ask(project, email).code).json()["access_token"]
    with project.http("client", token) as client:
        assert client.post("/auth/password/set", json={"password": PASSWORD}).status_code == 200
    require_not_found(project, code)
    assert sign_in(project, email, PASSWORD).json()["user_id"] == user["id"]


def test_a_code_to_an_address_that_is_no_sign_in_address_any_more_resets_nothing(project: Project) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    change(project, user["user_id"], primary_email_auth_enabled=False)
    assert known_error(reset(project, code)) == "VERIFICATION_CODE_NOT_FOUND"
    assert known_error(reset(project, code)) == "VERIFICATION_CODE_ALREADY_USED"
    change(project, user["user_id"], primary_email_auth_enabled=True)
    assert refreshes(project, user["refresh_token"])
    assert sign_in(project, user["email"], PASSWORD).status_code == 200


def test_a_code_to_an_address_that_somebody_else_has_now_resets_neither(project: Project) -> None:
    former = project.sign_up()
    code = ask(project, former["email"])
    change(project, former["user_id"], primary_email=new_email())
    with project.http("server") as client:
        channels = client.get("/contact-channels", params={"user_id": former["user_id"]}).json()["items"]
        [old] = [channel for channel in channels if channel["value"] == former["email"]]
        assert client.delete(f"/contact-channels/{former['user_id']}/{old['id']}").status_code == 200
    later = project.sign_up(former["email"], NEW_PASSWORD)
    assert known_error(reset(project, code, THIRD)) == "VERIFICATION_CODE_NOT_FOUND"
    assert sign_in(project, former["email"], THIRD).status_code == 400
    assert sign_in(project, former["email"], NEW_PASSWORD).json()["user_id"] == later["user_id"]


def test_an_address_that_is_still_one_of_the_users_resets(project: Project) -> None:
    """Another primary address does not take the former one's place for signing in (contract 05 §1.5)."""
    user, new = project.sign_up(), new_email()
    code = ask(project, user["email"])
    change(project, user["user_id"], primary_email=new)
    assert reset(project, code).status_code == 200
    assert sign_in(project, user["email"], NEW_PASSWORD).json()["user_id"] == user["user_id"]


def test_a_new_account_at_the_address_of_a_deleted_one_is_not_reset(project: Project) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    with project.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    project.sign_up(user["email"], NEW_PASSWORD)
    assert known_error(reset(project, code, THIRD)) == "USER_NOT_FOUND"
    assert sign_in(project, user["email"], NEW_PASSWORD).status_code == 200


def test_a_sign_in_code_of_a_deleted_user_signs_nobody_in_as_him(project: Project) -> None:
    """It shows that the address is its reader's, so it makes a new account (contract 02 §3.2); nothing of the former one comes back."""
    email = new_email()
    user = otp.verified_user(project, email, display_name="Former", server_metadata={"role": "chief"})
    sent = otp.ask(project, email)
    with project.http("server") as client:
        assert client.delete(f"/users/{user['id']}").status_code == 200
    answer = otp.sign_in(project, sent.code).json()
    assert (answer["is_new_user"], answer["user_id"] == user["id"]) == (True, False)


def test_nothing_of_a_deleted_users_address_stays_with_his_codes(server: RunningServer, project: Project) -> None:
    from tests.stored import rows

    user = project.sign_up()
    ask(project, user["email"])
    with project.http("server") as client:
        client.delete(f"/users/{user['user_id']}")
    left = rows(server, f"SELECT kind, payload FROM verification_codes WHERE user_id = '{user['user_id']}'")
    assert left == [("password-reset", None)]


async def test_a_code_that_a_busy_server_gave_back_is_good_again_and_its_tries_stay_counted(project: Project) -> None:
    from hexclave_server.verification_codes import service
    from tests.attacks.codes import reset_codes
    from tests.attacks.inside import opened

    user = project.sign_up()
    [text] = await reset_codes(project, user["user_id"], user["email"])
    async with opened(project.server) as inside:
        tenancy, kind = await inside.tenancy(project.id), service.CodeKind.PASSWORD_RESET
        hashes = service.hash_nonce(inside.keyring, kind, text), service.hash_code(inside.keyring, kind, text)
        code = service.Code(kind, user["user_id"], None, *hashes)
        await inside.database.write(lambda conn: service.use_up(conn, tenancy, code))
        for _ in range(service.MAX_ATTEMPTS - 1):
            assert known_error(check(project, text)) == "VERIFICATION_CODE_ALREADY_USED"
        await inside.database.write(lambda conn: service.give_back(conn, tenancy, code))
    assert reset(project, text).status_code == 200
    assert sign_in(project, user["email"], NEW_PASSWORD).status_code == 200
