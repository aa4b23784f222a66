"""D5: links in emails lead where the callback URL says, whatever host a request claims to be for, or to come through; so do sign-ins."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.doubles.idp import IdentityProvider
from tests.mail import Mail
from tests.oauth import dance
from tests.otp import calls as otp
from tests.passwords import resets
from tests.passwords.calls import sign_up
from tests.server import Project, RunningServer, new_email

CALLBACK = "http://localhost:3000/page"
FORGED = {
    "host": {"host": "evil.example"},
    "port": {"host": "localhost:666"},
    "forwarded host": {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-port": "666"},
    "forwarded": {"forwarded": "host=evil.example;proto=https"},
    "original": {"x-original-host": "evil.example", "x-original-url": "//evil.example/", "x-rewrite-url": "//evil.example/"},
    "origin": {"origin": "https://evil.example", "referer": "https://evil.example/page"},
}


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    return server.new_project(magic_link_enabled=True)


def require_harmless(mail: Mail) -> None:
    assert mail.link == f"{CALLBACK}?code={mail.code}"
    assert "evil" not in mail.raw.decode()
    assert "evil" not in mail.html + mail.text
    assert ":666" not in mail.html + mail.text


@pytest.mark.parametrize("headers", FORGED.values(), ids=list(FORGED))
def test_every_mail_with_a_link(server: RunningServer, project: Project, headers: dict[str, str]) -> None:
    require_harmless(otp.ask(project, new_email(), CALLBACK, **headers).mail)
    require_harmless(resets.ask_for_mail(project, project.sign_up()["email"], CALLBACK, **headers))
    email = new_email()
    assert sign_up(project, email, headers=headers, verification_callback_url=CALLBACK).status_code == 200
    require_harmless(server.mail.wait_for(email))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost:3000@evil.example/",
        "http://evil.example\\@localhost/",
        "javascript:alert(1)//localhost",
        "//localhost/page",
        "stack-auth-mobile-oauth-url://success",
        "data:text/html,localhost",
    ],
)
def test_no_mail_leads_elsewhere(server: RunningServer, project: Project, url: str) -> None:
    known, unknown = project.sign_up()["email"], new_email()
    refusals = [
        otp.send(project, unknown, url),
        resets.send(project, known, url),
        sign_up(project, new_email(), verification_callback_url=url),
    ]
    for answer in refusals:
        assert answer.status_code == 400, answer.text
        assert answer.headers["x-stack-known-error"] in ("REDIRECT_URL_NOT_WHITELISTED", "SCHEMA_ERROR")
    otp.ask(project, unknown)
    server.mail.none_for(known)


@pytest.mark.parametrize("headers", FORGED.values(), ids=list(FORGED))
def test_the_way_to_a_provider_and_back(shop: Project, idp: IdentityProvider, headers: dict[str, str]) -> None:
    application = dance.Application(shop)
    url = application.get("/auth/oauth/authorize/discord", params=application.query(), headers=headers).headers["location"]
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [f"{shop.server.api_url}/auth/oauth/callback/discord"]
    back = application.come_back(idp.consent(url, dance.person()), **headers).headers["location"]
    assert back.startswith(dance.CALLBACK)
    assert "evil" not in url + back
