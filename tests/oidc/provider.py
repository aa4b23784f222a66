"""A real OpenID provider (the npm package `oidc-provider`) in a process of its own, and what people do there in their browsers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.node import require_node
from tests.server import NO_TLS, Project, RunningServer

HERE = Path(__file__).parent
CLIENT_ID, CLIENT_SECRET = "company-client", "company secret: 100% / +"
MOCK_SECRET = "MOCK-SERVER-SECRET"


class OpenIdProvider:
    """Known by its issuer. People of it are named by their accounts, which serve as their addresses unless they give another."""

    def __init__(self, issuer: str, process: subprocess.Popen[str]) -> None:
        self.issuer = issuer
        self._process = process

    # --- people ---

    def agree(self, location: str, account: str, *, address: str = "", verified: bool = True) -> str:
        """Somebody says who he is and agrees; the URL that his browser goes back to."""
        form = {"account": account, "address": address, "answer": "agree", **({"verified": "on"} if verified else {})}
        return self._answer(location, form)

    def refuse(self, location: str) -> str:
        """Somebody does not agree; the URL that his browser goes back to."""
        return self._answer(location, {"answer": "refuse"})

    def _answer(self, location: str, form: Mapping[str, str]) -> str:
        with httpx.Client(verify=NO_TLS, timeout=30) as browser:
            answer = browser.get(location)
            while True:
                if not answer.has_redirect_location:
                    assert answer.status_code == 200, answer.text
                    answer = browser.post(answer.url, data=dict(form))
                url = urljoin(str(answer.url), answer.headers["location"])
                if not url.startswith(f"{self.issuer}/"):
                    return url
                answer = browser.get(url)

    # --- whoever runs it ---

    def given(self, account: str) -> dict[str, str]:
        """The newest `access_token` and `refresh_token` that somebody's consent gave."""
        tokens: dict[str, str] = httpx.get(f"{self.issuer}/given", params={"account": account}, verify=NO_TLS).json()
        return tokens

    def end_access(self, account: str) -> None:
        """Lets somebody's newest access token end before its time; its refresh token stays good."""
        assert httpx.get(f"{self.issuer}/end-access", params={"account": account}, verify=NO_TLS).status_code == 204

    def revoke(self, token: str) -> None:
        """Revokes a token of the company's client, and what came of the same consent (RFC 7009)."""
        form = {"token": token, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        answer = httpx.post(f"{self.issuer}/token/revocation", data=form, verify=NO_TLS)
        assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        """Ends the process: nobody answers at the issuer any more."""
        self._process.terminate()
        self._process.communicate(timeout=10)


@contextmanager
def openid_provider(server: RunningServer) -> Iterator[OpenIdProvider]:
    """A provider that knows the server as a client: as the shared provider for tests (contract 15), and as a company's directory knows it."""
    require_node(HERE, "oidc-provider")
    clients = [
        _client(server, "google", "google", MOCK_SECRET, "client_secret_basic"),
        _client(server, "company", CLIENT_ID, CLIENT_SECRET, "client_secret_post"),
    ]
    process = subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=HERE,
        env={"PATH": os.environ["PATH"], "HEXCLAVE_OIDC_CLIENTS": json.dumps(clients)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    provider = OpenIdProvider((process.stdout.readline() if process.stdout else "").strip(), process)
    try:
        if not provider.issuer:
            raise AssertionError(f"the provider did not start:\n{process.communicate(timeout=10)[1]}")
        yield provider
    finally:
        if process.returncode is None:
            provider.stop()


def _client(server: RunningServer, provider_id: str, client_id: str, secret: str, method: str) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": secret,
        "token_endpoint_auth_method": method,
        "redirect_uris": [f"{server.api_url}/auth/oauth/callback/{provider_id}"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }


@contextmanager
def server_with_provider(server: RunningServer) -> Iterator[OpenIdProvider]:
    """Starts a provider, then the server, whose shared keys of Google lead there, and who may ask this machine."""
    with openid_provider(server) as provider:
        server.environment |= {
            "HEXCLAVE_OAUTH_GOOGLE_CLIENT_ID": "MOCK",
            "HEXCLAVE_OAUTH_GOOGLE_CLIENT_SECRET": "MOCK",
            "HEXCLAVE_OAUTH_MOCK_URL": provider.issuer,
            "HEXCLAVE_OUTGOING_ALLOW": "127.0.0.0/8",
        }
        with server:
            yield provider


def add_company(project: Project, issuer: str, **changed: Any) -> None:
    """Lets people sign in to the project with the directory at the issuer, as provider `company`."""
    entry = {
        "type": "oidc",
        "issuer": issuer,
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "isShared": False,
        "allowSignIn": True,
        "allowConnectedAccounts": True,
        "scopes": "openid profile email offline_access",
        **changed,
    }
    project.override("environment", **{"auth.oauth.providers.company": entry})
