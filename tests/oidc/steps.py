"""The dance of a sign-in, with a real provider in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.oauth.dance import Application, error_in, me
from tests.oidc.provider import OpenIdProvider
from tests.server import Project


def come(project: Project, directory: OpenIdProvider, account: str, provider: str, **changed: Any) -> tuple[Application, httpx.Response]:
    """Somebody agrees at the provider; his application, and the answer that his browser gets when it is back. `address`, `verified`: his."""
    claims = {name: changed.pop(name) for name in ("address", "verified") if name in changed}
    application = Application(project)
    return application, application.come_back(directory.agree(application.start(provider, **changed), account, **claims))


def sign_in(project: Project, directory: OpenIdProvider, account: str, provider: str, **changed: Any) -> dict[str, Any]:
    """Tokens of somebody who signs in with a browser of his own, and his user as the server sees it, as `user`."""
    application, answer = come(project, directory, account, provider, **changed)
    assert answer.status_code == 303, (answer.status_code, answer.headers.get("location"), answer.text)
    found = application.exchange(parse_qs(urlsplit(answer.headers["location"]).query)["code"][0])
    assert found.status_code == 200, found.text
    tokens: dict[str, Any] = found.json()
    return {**tokens, "user": me(project, tokens["access_token"])}


def refused(project: Project, directory: OpenIdProvider, account: str, provider: str, **changed: Any) -> dict[str, str]:
    """What the application is told when somebody may not."""
    _, answer = come(project, directory, account, provider, **changed)
    return told(answer)


def told(answer: httpx.Response) -> dict[str, str]:
    """What the application is told by a redirect with an error."""
    assert answer.status_code == 307, (answer.status_code, answer.headers.get("location"), answer.text)
    return error_in(answer.headers["location"])
