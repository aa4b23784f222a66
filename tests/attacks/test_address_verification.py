"""B1 to B4 for links that verify addresses: one use, one purpose, one address of one user; and no mailbox is filled by them."""

from __future__ import annotations

import anyio
import httpx
import pytest

from tests.attacks.addresses import require_limited
from tests.contact_channels.channels import CALLBACK, add, channels_of, check, path_of, send_code, verify
from tests.server import Project, RunningServer, new_email
from tests.users.answers import known_error, ok, plain_error

MAX_TRIES = 20


def new_channel(project: Project) -> dict[str, object]:
    return add(project, project.create_user()["id"], new_email())


def is_verified(project: Project, channel: dict[str, object]) -> bool:
    with project.http("server") as server:
        return bool(ok(server.get(path_of(channel)))["is_verified"])


async def test_of_fifty_who_bring_one_code_at_once_one_succeeds(project: Project) -> None:
    for _ in range(3):
        channel = new_channel(project)
        code = send_code(project, channel)
        answers: list[httpx.Response] = []
        async with project.async_http("client") as client, anyio.create_task_group() as tasks:

            async def bring(client: httpx.AsyncClient = client, code: str = code, answers: list[httpx.Response] = answers) -> None:
                answers.append(await client.post("/contact-channels/verify", json={"code": code}))

            for _ in range(50):
                tasks.start_soon(bring)
        assert [answer.status_code for answer in answers].count(200) == 1
        refusals = {answer.headers["x-stack-known-error"] for answer in answers if answer.status_code != 200}
        assert refusals <= {"VERIFICATION_CODE_ALREADY_USED", "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"}
        assert is_verified(project, channel)


def test_codes_of_another_kind_verify_nothing(server: RunningServer) -> None:
    project = server.new_project(magic_link_enabled=True, credential_enabled=True)
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("client") as client:
        ok(client.post("/auth/password/send-reset-code", json={"email": user["email"], "callback_url": CALLBACK}))
        reset = server.mail.wait_for(user["email"], subject="Reset").code
        stranger = new_email()
        ok(client.post("/auth/otp/send-sign-in-code", json={"email": stranger, "callback_url": CALLBACK}))
        sign_in = server.mail.wait_for(stranger).code
        for code in (reset, sign_in):
            known_error(verify(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")
            known_error(check(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")
        assert not is_verified(project, channel)


def test_a_verification_code_is_good_for_nothing_else(server: RunningServer) -> None:
    project = server.new_project(magic_link_enabled=True, credential_enabled=True)
    channel = new_channel(project)
    code = send_code(project, channel)
    with project.http("client") as client:
        for path, body in (
            ("/auth/otp/sign-in", {}),
            ("/auth/otp/sign-in/check-code", {}),
            ("/auth/password/reset", {"password": "correct horse battery"}),
            ("/auth/password/reset/check-code", {}),
        ):
            known_error(client.post(path, json={"code": code, **body}), 404, "VERIFICATION_CODE_NOT_FOUND")
        known_error(client.get("/emails/unsubscribe-link", params={"code": code}), 404, "VERIFICATION_CODE_NOT_FOUND")
        ok(verify(client, code))


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_codes_of_another_project_are_none(project: Project, own_project: Project, access: str) -> None:
    channel = new_channel(project)
    code = send_code(project, channel)
    with own_project.http(access) as client:
        known_error(verify(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")
        known_error(check(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")
    assert not is_verified(project, channel)


def test_a_link_verifies_the_address_it_was_sent_to_and_no_other(project: Project) -> None:
    channel = new_channel(project)
    code = send_code(project, channel)
    with project.http("server") as server:
        ok(server.patch(path_of(channel), json={"value": new_email()}))
        plain_error(verify(server, code), 400)
        assert not is_verified(project, channel)
        known_error(verify(server, code), 409, "VERIFICATION_CODE_ALREADY_USED")


def test_a_link_verifies_nothing_of_a_new_primary_email(project: Project) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    code = send_code(project, channel)
    with project.http("client", user["access_token"]) as client:
        ok(client.patch("/users/me", json={"primary_email": new_email()}))
        ok(verify(client, code))  # the former address is still a channel of his
        assert ok(client.get("/users/me"))["primary_email_verified"] is False


def test_a_link_to_a_removed_address_is_used_up_in_vain(project: Project) -> None:
    channel = new_channel(project)
    code = send_code(project, channel)
    with project.http("server") as server:
        ok(server.delete(path_of(channel)))
        plain_error(verify(server, code), 400)
        known_error(verify(server, code), 409, "VERIFICATION_CODE_ALREADY_USED")


def test_a_link_of_a_deleted_user_is_none(project: Project) -> None:
    channel = new_channel(project)
    code = send_code(project, channel)
    with project.http("server") as server:
        ok(server.delete(f"/users/{channel['user_id']}"))
        known_error(verify(server, code), 404, "VERIFICATION_CODE_NOT_FOUND")


def test_a_link_verifies_an_address_for_its_user_alone(project: Project) -> None:
    """Pre-hijacking: somebody else's account with the same address gets nothing from the owner's click."""
    squatter, owner = project.create_user(), project.create_user()
    address = new_email()
    squatted = add(project, squatter["id"], address, used_for_auth=True)
    owned = add(project, owner["id"], address)
    code = send_code(project, owned)
    with project.http("server") as server:
        ok(verify(server, code))
    assert (is_verified(project, owned), is_verified(project, squatted)) == (True, False)


def test_naming_the_verified_value_of_another_ends_verification(project: Project) -> None:
    """An own, verified address cannot be turned into somebody else's: the flag does not travel."""
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("server") as server:
        ok(server.patch(path_of(channel), json={"is_verified": True}))
    with project.http("client", user["access_token"]) as client:
        assert ok(client.patch(path_of(channel), json={"value": new_email()}))["is_verified"] is False
        assert ok(client.patch(path_of(channel), json={"value": user["email"]}))["is_verified"] is False


@pytest.mark.parametrize("first_six_are_right", [True, False])
def test_checks_count_as_tries(project: Project, first_six_are_right: bool) -> None:
    channel = new_channel(project)
    code = send_code(project, channel)
    tried = code if first_six_are_right else ("000000" if code[:6] != "000000" else "111111") + code[6:]
    with project.http("server") as server:
        for _ in range(MAX_TRIES):
            answer = check(server, tried)
            assert answer.status_code == (200 if first_six_are_right else 404)
        known_error(check(server, code), 400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")
        known_error(verify(server, code), 400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")
    assert not is_verified(project, channel)


def test_a_mailbox_is_not_filled_whoever_asks(project: Project) -> None:
    address = new_email()
    channels = [add(project, project.create_user()["id"], address) for _ in range(12)]
    with project.http("server") as server:
        answers = [server.post(path_of(channel, "/send-verification-code"), json={"callback_url": CALLBACK}) for channel in channels]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    require_limited(answers[-1], 60)
