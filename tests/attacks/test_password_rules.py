"""A11: the rules for passwords at their edges: nothing truncated, nothing refused without need, never a server error."""

from __future__ import annotations

import unicodedata

import bcrypt
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.passwords.calls import sign_in, sign_up
from tests.server import Project, new_email
from tests.sessions.tokens import known_error

EMOJI = "\N{PILE OF POO}"
ALEF = "\N{HEBREW LETTER ALEF}"


@pytest.fixture
def project(own_project: Project) -> Project:
    """A project of its own: these tests fail on purpose more often than one address may in the shared one."""
    return own_project


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("", "PASSWORD_TOO_SHORT"),
        ("x", "PASSWORD_TOO_SHORT"),
        ("x" * 7, "PASSWORD_TOO_SHORT"),
        ("x" * 8, None),
        ("x" * 70, None),
        ("x" * 71, "SCHEMA_ERROR"),
        (EMOJI * 3, "PASSWORD_TOO_SHORT"),
        (EMOJI * 4, None),
        (EMOJI * 35, None),
        (EMOJI * 36, "SCHEMA_ERROR"),
        ("nul\0nul\0nul", "SCHEMA_ERROR"),
        (ALEF * 70, None),
        ("   leading", None),
        ("trailing   ", None),
        (" " * 8, None),
        ("e\N{COMBINING ACUTE ACCENT}" * 5, None),
        ("\N{LATIN SMALL LIGATURE FFI}" * 8, None),
        ("tab\tnew\nline", None),
        ("'; DROP TABLE users; --", None),
    ],
)
def test_a_password_is_accepted_by_its_length_alone_and_then_works(project: Project, password: str, error: str | None) -> None:
    email = new_email()
    answer = sign_up(project, email, password)
    assert known_error(answer) == error
    if error is None:
        assert sign_in(project, email, password).status_code == 200
        assert known_error(sign_in(project, email, password.strip()[:-1])) == "EMAIL_PASSWORD_MISMATCH"


@pytest.mark.parametrize("password", ["x" * 70, EMOJI * 35, "\N{SNOWMAN}" * 70])
def test_the_last_character_of_the_longest_password_counts(project: Project, password: str) -> None:
    email = new_email()
    sign_up(project, email, password)
    assert known_error(sign_in(project, email, password[:-1] + "z")) == "EMAIL_PASSWORD_MISMATCH"
    assert known_error(sign_in(project, email, password[:-1])) == "EMAIL_PASSWORD_MISMATCH"
    assert sign_in(project, email, password).status_code == 200


def test_one_password_has_one_meaning_in_every_normal_form(project: Project) -> None:
    email, password = new_email(), "Pässwörd ﬀ ２ Ångström"
    sign_up(project, email, unicodedata.normalize("NFD", password))
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert sign_in(project, email, unicodedata.normalize(form, password)).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_imported_hashes_were_made_of_the_form_as_typed(project: Project, form: str) -> None:
    email, password = new_email(), unicodedata.normalize(form, "Pässwörd im Original")  # type: ignore[arg-type]
    imported = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=imported)
    assert sign_in(project, email, password).status_code == 200
    assert sign_in(project, email, password).status_code == 200


def test_of_an_imported_password_the_first_72_bytes_count_until_it_is_replaced(project: Project) -> None:
    email, password = new_email(), "\N{SNOWMAN}" * 30
    imported = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=imported)
    assert sign_in(project, email, password).status_code == 200
    assert sign_in(project, email, password).status_code == 200
    assert known_error(sign_in(project, email, password[:24])) == "EMAIL_PASSWORD_MISMATCH"


@pytest.mark.parametrize("path", ["sign-up", "sign-in"])
def test_a_megabyte_is_refused_before_it_is_hashed(project: Project, path: str) -> None:
    with project.http("client") as client:
        answer = client.post(f"/auth/password/{path}", json={"email": new_email(), "password": "x" * 1_000_000})
    assert (answer.status_code, known_error(answer)) == (413, None)
    assert answer.elapsed.total_seconds() < 1


def test_a_lone_surrogate_is_no_text(project: Project) -> None:
    with project.http("client") as client:
        answer: httpx.Response = client.post(
            "/auth/password/sign-in",
            content=b'{"email": "a@example.com", "password": "\\ud800xxxxxxxx"}',
            headers={"content-type": "application/json"},
        )
    assert known_error(answer) == "BODY_PARSING_ERROR"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(max_size=75))
def test_no_text_makes_a_server_error(project: Project, password: str) -> None:
    with project.http("server") as client:
        answer = client.post("/auth/password/sign-in", json={"email": new_email(), "password": password})
    assert known_error(answer) in ("EMAIL_PASSWORD_MISMATCH", "SCHEMA_ERROR", "BODY_PARSING_ERROR")
