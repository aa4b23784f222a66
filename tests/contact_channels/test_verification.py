"""Verifying addresses over HTTP: links are sent, checked and used (contract 05 §3.6 to §3.9)."""

from __future__ import annotations

import html
import uuid
from collections.abc import Iterator

import pytest

from tests.contact_channels.channels import CALLBACK, add, channels_of, check, path_of, send_code, verify
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.users.answers import known_error, ok, plain_error

WEEK_MILLIS = 7 * 24 * 60 * 60 * 1000
SEND = "/send-verification-code"
BODY = {"callback_url": CALLBACK}


def test_the_link_that_is_sent_verifies_the_address(project: Project) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("client", user["access_token"]) as client:
        assert ok(client.post(path_of(channel, SEND), json=BODY)) == {"success": True}
    mail = project.server.mail.wait_for(user["email"])
    assert mail.subject == "Verify your email at Test project"
    assert mail.link == f"{CALLBACK}&code={mail.code}"
    assert f'href="{html.escape(mail.link)}"' in mail.html
    assert len(mail.code) == 45
    with project.http("client") as anybody:  # who follows the link need not be signed in
        assert ok(check(anybody, mail.code)) == {"is_code_valid": True}
        assert channels_of(project, user["user_id"]) == [channel]
        assert ok(verify(anybody, mail.code)) == {"success": True}
        assert channels_of(project, user["user_id"]) == [{**channel, "is_verified": True}]
        known_error(verify(anybody, mail.code), 409, "VERIFICATION_CODE_ALREADY_USED")
        known_error(check(anybody, mail.code), 409, "VERIFICATION_CODE_ALREADY_USED")
    with project.http("server") as server:
        assert ok(server.get(f"/users/{user['user_id']}"))["primary_email_verified"] is True


def test_any_address_of_a_user_can_be_verified_by_its_own_link(project: Project) -> None:
    user = project.create_user(primary_email=new_email())
    second = add(project, user["id"], new_email())
    code = send_code(project, second)
    with project.http("server") as server:
        ok(verify(server, code))
    assert [channel["is_verified"] for channel in channels_of(project, user["id"])] == [False, True]


def test_every_outstanding_code_works_once_in_any_case(project: Project) -> None:
    channel = add(project, project.create_user()["id"], new_email())
    codes = [send_code(project, channel) for _ in range(3)]
    with project.http("admin") as admin:
        ok(verify(admin, codes[2].upper()))
        ok(verify(admin, codes[0]))  # of what is verified already
        known_error(verify(admin, codes[2]), 409, "VERIFICATION_CODE_ALREADY_USED")
        ok(check(admin, codes[1]))


def test_what_is_verified_is_not_verified_again(project: Project) -> None:
    channel = add(project, project.create_user()["id"], new_email(), is_verified=True)
    with project.http("server") as server:
        known_error(server.post(path_of(channel, SEND), json={"callback_url": "https://untrusted.example"}), 409, "EMAIL_ALREADY_VERIFIED")
    project.server.mail.none_for(channel["value"])


@pytest.mark.parametrize("url", ["https://untrusted.example/", "http://localhost.untrusted.example/", "javascript:alert(1)"])
def test_links_lead_to_trusted_places_only(project: Project, url: str) -> None:
    channel = add(project, project.create_user()["id"], new_email())
    with project.http("server") as server:
        known_error(server.post(path_of(channel, SEND), json={"callback_url": url}), 400, "REDIRECT_URL_NOT_WHITELISTED")
        ok(server.post(path_of(channel, SEND), json=BODY))
    project.server.mail.wait_for(channel["value"])
    project.server.mail.none_for(channel["value"])


def test_whose_addresses_links_are_sent_to(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    [own], [foreign] = channels_of(project, user["user_id"]), channels_of(project, other["user_id"])
    nobody = str(uuid.uuid4())
    with project.http("client", user["access_token"]) as client:
        plain_error(client.post(path_of(foreign, SEND), json=BODY), 400)
        plain_error(client.post(f"/contact-channels/me/{foreign['id']}{SEND}", json=BODY), 404)
        ok(client.post(f"/contact-channels/me/{own['id']}{SEND}", json=BODY))
    with project.http("client") as client:
        for user_id in ("me", user["user_id"]):
            answer = client.post(f"/contact-channels/{user_id}/{own['id']}{SEND}", json=BODY)
            known_error(answer, 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    with project.http("server") as server:
        answer = server.post(f"/contact-channels/{nobody}/{own['id']}{SEND}", json=BODY)
        known_error(answer, 400, "USER_ID_DOES_NOT_EXIST", {"user_id": nobody})
        plain_error(server.post(f"/contact-channels/{other['user_id']}/{own['id']}{SEND}", json=BODY), 404)
    project.server.mail.none_for(other["email"])


@pytest.mark.parametrize(
    "body", [{}, {"callback_url": None}, {"callback_url": "no url"}, {"callback_url": "/verify"}, {**BODY, "email": "x"}]
)
def test_malformed_requests(project: Project, body: dict[str, object]) -> None:
    channel = add(project, project.create_user()["id"], new_email())
    with project.http("server") as server:
        known_error(server.post(path_of(channel, SEND), json=body), 400, "SCHEMA_ERROR")


@pytest.mark.parametrize("code", ["", "0" * 44, "0" * 46, None])
def test_codes_of_another_length_fit_no_schema(project: Project, code: str | None) -> None:
    with project.http("client") as client:
        for path in ("/contact-channels/verify", "/contact-channels/verify/check-code"):
            known_error(client.post(path, json={} if code is None else {"code": code}), 400, "SCHEMA_ERROR")


def test_a_code_that_nobody_sent(project: Project) -> None:
    with project.http("client") as client:
        for code in ("0" * 45, "ü" * 45, " " * 45):
            known_error(verify(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")
            known_error(check(client, code), 404, "VERIFICATION_CODE_NOT_FOUND")


# --- the older endpoint ---


def test_the_older_endpoint_sends_to_the_primary_address(project: Project) -> None:
    user = project.sign_up()
    path = f"/contact-channels{SEND}"
    with project.http("client", user["access_token"]) as client:
        other = new_email()
        refused = client.post(path, json={**BODY, "email": other})
        known_error(refused, 400, "EMAIL_IS_NOT_PRIMARY_EMAIL", {"email": other, "primary_email": user["email"]})
        refused = client.post(path, json={**BODY, "email": user["email"].upper()})
        known_error(refused, 400, "EMAIL_IS_NOT_PRIMARY_EMAIL", {"email": user["email"].upper(), "primary_email": user["email"]})
        refused = client.post(path, json={"callback_url": "https://untrusted.example", "email": user["email"]})
        known_error(refused, 400, "REDIRECT_URL_NOT_WHITELISTED")
        known_error(client.post(path, json={**BODY, "email": "a@b"}), 400, "SCHEMA_ERROR")
        assert ok(client.post(path, json={**BODY, "email": user["email"]})) == {"success": True}
        ok(verify(client, project.server.mail.wait_for(user["email"]).code))
        known_error(client.post(path, json={**BODY, "email": user["email"]}), 409, "EMAIL_ALREADY_VERIFIED")


def test_the_older_endpoint_for_a_user_without_a_primary_address(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as server:
        ok(server.patch("/users/me", json={"primary_email": None}))
        refused = server.post(f"/contact-channels{SEND}", json={**BODY, "email": user["email"]})
        known_error(refused, 400, "EMAIL_IS_NOT_PRIMARY_EMAIL", {"email": user["email"], "primary_email": None})


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_older_endpoint_without_a_user(project: Project, access: str) -> None:
    with project.http(access) as client:
        answer = client.post(f"/contact-channels{SEND}", json={**BODY, "email": new_email()})
        known_error(answer, 400, "SCHEMA_ERROR")
        assert "auth.user" in answer.json()["error"]


# --- time ---


@pytest.fixture
def own_server(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server whose clock the test moves."""
    with running_server(database) as running:
        yield running


def test_a_link_is_good_for_a_week(own_server: RunningServer) -> None:
    project = own_server.new_project()
    channel = add(project, project.create_user()["id"], new_email())
    code = send_code(project, channel)
    with project.http("server") as server:
        own_server.shift_clock(WEEK_MILLIS - 60_000)
        ok(check(server, code))
        own_server.shift_clock(WEEK_MILLIS + 1000)
        known_error(check(server, code), 400, "VERIFICATION_CODE_EXPIRED")
        known_error(verify(server, code), 400, "VERIFICATION_CODE_EXPIRED")
    assert channels_of(project, channel["user_id"]) == [channel]
