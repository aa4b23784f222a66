"""C4, C8: a provider that lies reaches nobody but whoever signs in with it: not the users of another, and not its secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.doubles.evil_idp import Issuer
from tests.oauth.dance import Application, error_in, me, new_project, person
from tests.oidc.provider import add_company
from tests.providers.keys import unsigned
from tests.server import Project, RunningServer, new_email, running_server

HONEST, EVIL = "honest", "evil"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """On SQLite alone: what is refused is refused before any database is asked."""
    with running_server("sqlite", {"HEXCLAVE_OUTGOING_ALLOW": "127.0.0.0/8"}, mail=False) as running:
        yield running


@pytest.fixture(scope="module")
def issuers() -> Iterator[dict[str, Issuer]]:
    with Issuer(HONEST) as honest, Issuer(EVIL) as evil:
        yield {HONEST: honest, EVIL: evil}


@pytest.fixture(scope="module")
def two_doors(server: RunningServer, issuers: dict[str, Issuer]) -> Project:
    """A project whose users sign in at an honest provider, and others at an evil one."""
    project = new_project(server)
    for name, issuer in issuers.items():
        entry = {"type": "oidc", "issuer": issuer.url, "clientId": f"{name}-client", "clientSecret": f"{name}-secret", "isShared": False}
        project.override("environment", **{f"auth.oauth.providers.{name}": {**entry, "allowSignIn": True, "allowConnectedAccounts": True}})
    return project


@pytest.fixture
def honest(issuers: dict[str, Issuer]) -> Issuer:
    issuers[HONEST].asked.clear()
    return issuers[HONEST]


@pytest.fixture
def evil(issuers: dict[str, Issuer]) -> Issuer:
    issuers[EVIL].asked.clear()
    return issuers[EVIL]


def sign_in(project: Project, issuer: Issuer, provider: str, **said: Any) -> dict[str, Any]:
    application = Application(project)
    answer = application.come_back(issuer.send_back(application.start(provider), **said))
    assert answer.status_code == 303, answer.text
    tokens = application.exchange(error_in(answer.headers["location"])["code"]).json()
    return me(project, tokens["access_token"])


def require_refused(answer: httpx.Response) -> None:
    """Nobody is sent on, and nothing of what the provider said is repeated."""
    assert answer.status_code in (400, 500), answer.text
    assert "location" not in answer.headers
    assert "the-code" not in answer.text


def test_a_subject_of_one_provider_is_nobody_at_another(two_doors: Project, honest: Issuer, evil: Issuer) -> None:
    """C8: an account is known by its provider and issuer, and then by its subject."""
    victim = sign_in(two_doors, honest, HONEST, sub="subject-1", email=new_email(), email_verified=True)
    other = sign_in(two_doors, evil, EVIL, sub="subject-1", email=new_email(), email_verified=True)
    assert other["id"] != victim["id"]
    assert sign_in(two_doors, honest, HONEST, sub="subject-1")["id"] == victim["id"]


@pytest.mark.parametrize(
    "said", ["issuer", "audience", "nonce", "no nonce", "no subject", "number as subject", "unsigned", "key of another"]
)
def test_a_token_that_lies_signs_nobody_in(two_doors: Project, honest: Issuer, evil: Issuer, said: str) -> None:
    lies: dict[str, dict[str, Any]] = {
        "issuer": {"iss": honest.url},
        "audience": {"aud": "honest-client"},
        "nonce": {"nonce": "of another flow"},
        "no nonce": {"nonce": None},
        "no subject": {"sub": None},
        "number as subject": {"sub": 1},
    }
    application = Application(two_doors)
    own_key = evil.key
    if said == "key of another":
        evil.key = honest.key
    back = evil.send_back(application.start(EVIL), **lies.get(said, {}))
    evil.key = own_key
    if said == "unsigned":
        evil.replies["/token"]["id_token"] = unsigned({"iss": evil.url, "aud": "evil-client", "sub": "x"})  # type: ignore[index]
    require_refused(application.come_back(back))


def test_the_answer_of_one_provider_does_not_finish_the_way_to_another(two_doors: Project, honest: Issuer, evil: Issuer) -> None:
    """C4: by its path, by its state, or by its name (RFC 9207)."""
    application = Application(two_doors)
    at_honest = application.start(HONEST)
    to_evil = f"{two_doors.server.api_url}/auth/oauth/callback/{EVIL}"
    require_refused(application.come_back(honest.send_back(at_honest, to=to_evil)))
    for issuer in (evil.url, "", honest.url + "/", "https://accounts.google.com"):
        application = Application(two_doors)
        require_refused(application.come_back(honest.send_back(application.start(HONEST), more={"iss": issuer})))
    assert honest.paths().count("/token") == evil.paths().count("/token") == 0


def test_an_evil_description_gets_no_secret_of_the_honest_one(two_doors: Project, honest: Issuer, evil: Issuer) -> None:
    """C4: the code for the evil one may land at the honest one, but with the evil one's secret."""
    with Issuer("liar") as liar:
        add_company(two_doors, liar.url, clientId="liar-client", clientSecret="liar-secret")
        description: dict[str, Any] = liar.replies["/.well-known/openid-configuration"]  # type: ignore[assignment]
        description["token_endpoint"] = f"{evil.url}/token"
        application = Application(two_doors)
        answer = application.come_back(liar.send_back(application.start("company")))
    require_refused(answer)
    [asked] = [asked for asked in evil.asked if asked.path == "/token"]
    assert "honest" not in base64.b64decode(asked.headers.get("authorization", "Basic ").partition(" ")[2]).decode()
    assert b"honest" not in asked.body


def test_a_provider_that_calls_itself_another_is_not_asked_for_anybody(two_doors: Project, honest: Issuer) -> None:
    with Issuer("liar") as liar:
        add_company(two_doors, liar.url, clientId="liar-client", clientSecret="liar-secret")
        liar.replies["/.well-known/openid-configuration"]["issuer"] = honest.url  # type: ignore[index]
        answer = Application(two_doors).authorize("company")
    require_refused(answer)


def test_a_provider_that_claims_the_address_of_others_gets_nobody_who_signs_in_with_it_already(
    two_doors: Project, honest: Issuer, evil: Issuer
) -> None:
    """C6: what a directory says of addresses counts as much as the project trusts it; nobody gets in without the owner's proof, too."""
    address = new_email()
    planted = two_doors.create_user(primary_email=address, primary_email_verified=False, primary_email_auth_enabled=True)
    application = Application(two_doors)
    back = evil.send_back(application.start(EVIL), sub=person()["id"], email=address, email_verified=True)
    answer = application.come_back(back)
    assert error_in(answer.headers["location"])["errorCode"] == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    with two_doors.http("server") as client:
        assert client.get(f"/users/{planted['id']}").json()["oauth_providers"] == []


@pytest.mark.parametrize("mode", ["json", "redirect"])
@pytest.mark.parametrize("evil_end", ["\r\nset-cookie: evil=1", "\t", "\x01", "\x7f", " x", "#", "?x#y"])
def test_a_description_writes_no_header_and_cuts_off_no_parameter(two_doors: Project, mode: str, evil_end: str) -> None:
    """The URL of a stranger goes into a `Location`: as parsed, or browsers and servers would read what nobody checked."""
    with Issuer("liar") as liar:
        add_company(two_doors, liar.url, clientId="liar-client", clientSecret="liar-secret")
        liar.replies["/.well-known/openid-configuration"]["authorization_endpoint"] += evil_end  # type: ignore[index]
        answer = Application(two_doors).authorize("company", stack_response_mode=mode)
    assert answer.status_code in (200, 307), answer.text
    location = answer.json()["location"] if mode == "json" else answer.headers["location"]
    assert location.isprintable()
    assert " " not in location
    assert "#" not in location
    assert "evil" not in answer.headers.get("set-cookie", "")
