"""The dance of a sign-in with a provider, step by step as application, browser and person do it."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.doubles.idp import IdentityProvider
from tests.server import NO_TLS, Project, RunningServer

NO_KEY = "__stack_public_client__"
CALLBACK = "http://localhost:3000/handler/oauth-callback?from=app"
ERRORS = "http://localhost:3000/handler/error"


def new_project(server: RunningServer, **config: Any) -> Project:
    """A project with `discord` (own keys), `google` (shared keys) and localhost trusted."""
    providers = [
        {"id": "discord", "type": "standard", "client_id": "discord-client", "client_secret": "discord-secret"},
        {"id": "google", "type": "shared"},
    ]
    return server.new_project(**{"oauth_providers": providers, "allow_localhost": True, "magic_link_enabled": True, **config})


def person(email: str | None = "", *, verified: bool = True, name: str | None = "Ada", avatar: str | None = None) -> dict[str, Any]:
    """Somebody as Discord describes him, with an address of his own unless one is given."""
    unique = uuid.uuid4().hex[:12]
    address = f"person-{unique}@example.com" if email == "" else email
    return {"id": f"account-{unique}", "username": "ada", "global_name": name, "avatar": avatar, "email": address, "verified": verified}


class Application:
    """An application with a browser of its own: it keeps state and verifier of a sign-in, and cookies."""

    def __init__(self, project: Project, *, redirect_uri: str = CALLBACK) -> None:
        self.project = project
        self.redirect_uri = redirect_uri
        self.state = secrets.token_urlsafe(32)
        self.verifier = secrets.token_urlsafe(32)
        self.cookies = httpx.Cookies()

    def get(self, url: str, **options: Any) -> httpx.Response:
        """The browser goes somewhere; redirects are not followed."""
        return self.send("GET", url, **options)

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request with the browser's cookies."""
        with httpx.Client(base_url=self.project.server.api_url, timeout=60, verify=NO_TLS, cookies=self.cookies) as client:
            answer = client.request(method, url, **options)
            self.cookies = client.cookies
        return answer

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def query(self, **changed: Any) -> dict[str, Any]:
        """The query of the authorization request; None leaves a parameter out."""
        query = {
            "client_id": self.project.id,
            "client_secret": self.project.publishable_client_key,
            "redirect_uri": self.redirect_uri,
            "scope": "legacy",
            "state": self.state,
            "grant_type": "authorization_code",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "response_type": "code",
            "error_redirect_url": ERRORS,
            **changed,
        }
        return {name: value for name, value in query.items() if value is not None}

    def authorize(self, provider: str = "discord", **changed: Any) -> httpx.Response:
        """Starts; the answer as it comes."""
        return self.get(f"/auth/oauth/authorize/{provider}", params=self.query(**changed))

    def start(self, provider: str = "discord", **changed: Any) -> str:
        """Starts; the URL of the provider."""
        answer = self.authorize(provider, **changed)
        assert answer.status_code == 307, answer.text
        return answer.headers["location"]

    def come_back(self, url: str, **headers: str) -> httpx.Response:
        """The browser follows the provider's redirect."""
        return self.get(url, headers=headers)

    def code_for(self, idp: IdentityProvider, profile: dict[str, Any], provider: str = "discord", **changed: Any) -> str:
        """The whole way to a code."""
        answer = self.come_back(idp.consent(self.start(provider, **changed), profile))
        assert answer.status_code == 303, (answer.status_code, answer.headers.get("location"), answer.text)
        parameters = parse_qs(urlsplit(answer.headers["location"]).query)
        assert parameters["state"] == [self.state]
        return parameters["code"][0]

    def exchange(self, code: str, **changed: Any) -> httpx.Response:
        """Exchanges a code; None leaves a field out."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_id": self.project.id,
            "client_secret": self.project.publishable_client_key,
            **changed,
        }
        fields = {name: value for name, value in form.items() if value is not None}
        return httpx.post(f"{self.project.server.api_url}/auth/oauth/token", data=fields, verify=NO_TLS)

    def sign_in(self, idp: IdentityProvider, profile: dict[str, Any], provider: str = "discord", **changed: Any) -> dict[str, Any]:
        """The whole way to tokens."""
        answer = self.exchange(self.code_for(idp, profile, provider, **changed))
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]


def sign_in(project: Project, idp: IdentityProvider, profile: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Tokens of somebody who signs in with a browser of his own, and his user as the server sees it, as `user`."""
    tokens = Application(project).sign_in(idp, profile, **changed)
    return {**tokens, "user": me(project, tokens["access_token"])}


def me(project: Project, access_token: str) -> dict[str, Any]:
    """The user of a token, with what servers see."""
    headers = {"x-stack-allow-anonymous-user": "true", "x-stack-allow-restricted-user": "true"}
    with project.http("server", access_token, **headers) as client:
        answer = client.get("/users/me")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def error_in(location: str) -> dict[str, str]:
    """What an error redirect says."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def refused(project: Project, idp: IdentityProvider, profile: dict[str, Any], **changed: Any) -> dict[str, str]:
    """What the application is told when somebody may not sign in."""
    application = Application(project)
    answer = application.come_back(idp.consent(application.start(**changed), profile))
    assert answer.status_code == 307, (answer.status_code, answer.headers.get("location"), answer.text)
    assert answer.headers["location"].startswith(application.redirect_uri.partition("?")[0])
    return error_in(answer.headers["location"])
