"""One normal form of addresses (D13): nobody can sign up as another person's twin."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.server import Project
from tests.users.answers import known_error, names_field, ok


def test_case_does_not_make_another_address(project: Project, as_server: httpx.Client) -> None:
    local = f"ada+{uuid.uuid4().hex[:8]}.x"
    project.create_user(primary_email=f"{local}@Example.COM", primary_email_auth_enabled=True)
    for twin in (f"{local.upper()}@EXAMPLE.com", f"{local.title()}@example.com"):
        answer = as_server.post("/users", json={"primary_email": twin, "primary_email_auth_enabled": True})
        details = {"email": f"{local}@example.com", "would_work_if_email_was_verified": False}
        known_error(answer, 409, "USER_EMAIL_ALREADY_EXISTS", details)


def test_dots_and_plus_tags_are_kept(project: Project) -> None:
    tag = uuid.uuid4().hex[:8]
    for address in (f"a.b{tag}@example.com", f"ab{tag}@example.com", f"ab{tag}+x@example.com"):
        assert project.create_user(primary_email=address, primary_email_auth_enabled=True)["primary_email"] == address


@pytest.mark.parametrize(
    "address",
    [
        "\u0131van@example.com",  # dotless i, whose upper case is I
        "\u212aate@example.com",  # kelvin sign, whose lower case is k
        "a\u0301da@example.com",
        "\uff41da@example.com",  # full width, NFKC a
        "ada@ex\u0430mple.com",  # Cyrillic a
        "ada@b\u00fccher.example",
        "ad\u200ba@example.com",
        "ada@example.com\u200b",
        " ada@example.com",
        "ada@example.com ",
        "ada@example.com\u00a0",
        "\u202eada@example.com",
        "ada\u0000@example.com",
        '"a da"@example.com',
        "ada@[127.0.0.1]",
        "ada@@example.com",
        "ada@example.com,bob@example.com",
        "ada@example.com\r\nBcc: bob@example.com",
    ],
)
def test_only_plain_ascii_addresses_are_taken(project: Project, as_server: httpx.Client, address: str) -> None:
    user = project.create_user()
    names_field(as_server.post("/users", json={"primary_email": address}), "body.primary_email")
    names_field(as_server.patch(f"/users/{user['id']}", json={"primary_email": address}), "body.primary_email")


def test_an_address_without_a_dot_in_its_domain_is_one(project: Project) -> None:
    assert project.create_user(primary_email="A@B")["primary_email"] == "a@b"


def test_search_folds_case_of_names_everywhere(own_project: Project) -> None:
    names = ["STRASSE", "stra\u00dfe", "\u0130stanbul", "\u00c9mile", "\u01c5amija"]
    for name in names:
        own_project.create_user(display_name=name)
    with own_project.http("server") as client:

        def found(text: str) -> set[str]:
            return {user["display_name"] for user in ok(client.get("/users", params={"query": text}))["items"]}

        assert found("Stra\u00dfe") == found("sTRASSe") == {"STRASSE", "stra\u00dfe"}
        assert found("\u00e9MILE") == {"\u00c9mile"}
        assert found("\u01c6amija") == {"\u01c5amija"}
        assert found("%") == found("_") == set()
