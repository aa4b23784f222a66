"""Where a new user comes from: from where the code was asked for, not from where it was brought (contract 02 §1.5 step 2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.addresses import BEHIND_A_PROXY
from tests.otp.calls import ask, sign_in
from tests.passwords.calls import anonymous_session, read_user
from tests.server import DatabaseKind, Project, new_email, running_server


@pytest.fixture(scope="module")
def project(database: DatabaseKind) -> Iterator[Project]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server.new_project(magic_link_enabled=True)


def browser_in(country: str | None) -> dict[str, str]:
    located = {} if country is None else {"cf-ipcountry": country}
    return {"user-agent": "Mozilla/5.0", "cf-connecting-ip": "203.0.113.9", **located}


@pytest.mark.parametrize(("asked", "brought", "expected"), [("NZ", "IS", "NZ"), (None, "IS", None), ("NZ", None, "NZ")])
def test_the_country_is_that_of_who_asked(project: Project, asked: str | None, brought: str | None, expected: str | None) -> None:
    sent = ask(project, new_email(), **browser_in(asked))
    user_id = sign_in(project, sent.code, **browser_in(brought)).json()["user_id"]
    assert read_user(project, user_id)["country_code"] == expected


def test_an_upgraded_user_keeps_the_country_he_has(project: Project) -> None:
    anonymous = anonymous_session(project, country_code="FJ")
    headers = {"x-stack-allow-anonymous-user": "true", "x-stack-access-token": anonymous["access_token"]}
    sign_in(project, ask(project, new_email(), **browser_in("NZ")).code, **headers)
    user = read_user(project, anonymous["user_id"])
    assert (user["is_anonymous"], user["country_code"]) == (False, "FJ")


def test_the_session_is_where_the_code_was_brought(project: Project) -> None:
    sent = ask(project, new_email(), **browser_in("NZ"))
    user_id = sign_in(project, sent.code, **browser_in("IS")).json()["user_id"]
    with project.http("server") as client:
        [session] = client.get("/auth/sessions", params={"user_id": user_id}).json()["items"]
    assert session["last_used_at_end_user_ip_info"]["countryCode"] == "IS"
