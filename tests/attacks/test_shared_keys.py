"""What the operator's own registration at a provider got stays with the operator, whatever a project makes of its configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected_accounts.accounts import stored_tokens
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import person, sign_in
from tests.server import Project, RunningServer, running_server
from tests.sessions.tokens import known_error

ALLOWED = "HEXCLAVE_ALLOW_SHARED_OAUTH_ACCESS_TOKENS"
OWN_KEYS = {"isShared": False, "clientId": "own-client", "clientSecret": "own-secret"}


@pytest.fixture(params=["false", "true"], ids=["kept", "handed on"])
def server(request: pytest.FixtureRequest, running_idp: IdentityProvider) -> Iterator[RunningServer]:
    """On SQLite alone: nothing here depends on the database."""
    shared = {"HEXCLAVE_OAUTH_DISCORD_CLIENT_ID": "operator", "HEXCLAVE_OAUTH_DISCORD_CLIENT_SECRET": "operator-secret"}
    with running_server("sqlite", {**running_idp.settings_for("discord"), **shared, ALLOWED: request.param}, mail=False) as running:
        yield running


@pytest.fixture
def sharing(server: RunningServer) -> Project:
    """A project that signs its users in with the operator's keys."""
    return server.new_project(oauth_providers=[{"id": "discord", "type": "shared"}], allow_localhost=True)


def test_a_project_that_changes_to_keys_of_its_own_gets_no_token_of_the_operators(sharing: Project, idp: IdentityProvider) -> None:
    allowed = sharing.server.environment[ALLOWED] == "true"
    user = sign_in(sharing, idp, person())["user"]
    with sharing.http("server") as client:
        [link] = client.get("/oauth-providers", params={"user_id": user["id"]}).json()["items"]
        sharing.override("environment", **{f"auth.oauth.providers.discord.{name}": value for name, value in OWN_KEYS.items()})
        token = client.post(f"/connected-accounts/{user['id']}/discord/access-token", json={})
    if allowed:
        assert token.status_code == 201, token.text
    else:
        assert known_error(token) == "OAUTH_CONNECTION_DOES_NOT_HAVE_REQUIRED_SCOPE"
    assert [stored_tokens(sharing.server, kind, link) for kind in ("access", "refresh")] == [int(allowed)] * 2
