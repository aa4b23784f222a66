"""Connected accounts as tests handle them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import person, sign_in
from tests.server import Project, RunningServer
from tests.stored import rows
from tests.users.answers import known_error, ok

NO_SCOPE = "OAUTH_CONNECTION_DOES_NOT_HAVE_REQUIRED_SCOPE"
NOT_CONNECTED = "OAUTH_CONNECTION_NOT_CONNECTED_TO_USER"
UNAVAILABLE = "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"


class Connected:
    """Somebody who signed in with an account at `discord`, and what an application does in his name."""

    def __init__(self, project: Project, idp: IdentityProvider, **dance: Any) -> None:
        self.project = project
        self.profile = person()
        signed_in = sign_in(project, idp, self.profile, **dance)
        self.user_id: str = signed_in["user"]["id"]
        self.access_token: str = signed_in["access_token"]
        self.account_id: str = self.profile["id"]
        idp.asked.clear()

    @property
    def path(self) -> str:
        return f"/connected-accounts/{self.user_id}/discord/{self.account_id}/access-token"

    def ask(self, scope: str | None = None, *, path: str | None = None, access: str = "client") -> httpx.Response:
        """Asks for a token of the provider."""
        with self.project.http(access, self.access_token) as client:
            return client.post(path or self.path, json={} if scope is None else {"scope": scope})

    def token(self, scope: str | None = None) -> str:
        """A token of the provider."""
        return str(ok(self.ask(scope), 201)["access_token"])

    def has_no_token(self, scope: str | None = None) -> None:
        known_error(self.ask(scope), 400, NO_SCOPE)

    def link(self) -> dict[str, Any]:
        """His link, as servers see it."""
        with self.project.http("server") as server:
            (link,) = ok(server.get("/oauth-providers", params={"user_id": self.user_id}))["items"]
        return link  # type: ignore[no-any-return]


def stored_tokens(server: RunningServer, kind: str, link: dict[str, Any]) -> int:
    """How many tokens of a kind are kept for a link."""
    ((count,),) = rows(server, f"SELECT count(*) FROM oauth_tokens WHERE kind = '{kind}' AND oauth_account_id = '{link['id']}'")
    return int(count)
