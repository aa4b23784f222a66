"""An administrator of a project names an issuer that lies behind the server: it is never asked (QUALITY D7, over HTTP)."""

from __future__ import annotations

import pytest

from tests.oauth.dance import Application
from tests.providers.outside import Outside, running
from tests.server import Project, RunningServer

outside = pytest.fixture(running)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://[::ffff:127.0.0.1]:{port}",
        "http://2130706433:{port}",
        "https://127.1:{port}",
    ],
)
def test_an_issuer_behind_the_server_is_not_asked(server: RunningServer, own_project: Project, outside: Outside, issuer: str) -> None:
    name = issuer.format(port=outside.port)
    company = {"type": "oidc", "allowSignIn": True, "isShared": False, "issuer": name, "clientId": "client", "clientSecret": "secret"}
    own_project.override("environment", **{"auth.oauth.providers.company": company})
    answer = Application(own_project).authorize("company")
    assert answer.status_code == 500
    assert "HEXCLAVE_OUTGOING_ALLOW" not in answer.text, "the operator's matter, in his log"
    assert "HEXCLAVE_OUTGOING_ALLOW" in server.log()
    assert not outside.asked


@pytest.mark.parametrize(
    "issuer", ["file:///etc/passwd", "gopher://127.0.0.1:{port}/", "https://user:password@127.0.0.1:{port}", "no url", "/"]
)
def test_an_issuer_that_is_none_is_not_asked(own_project: Project, outside: Outside, issuer: str) -> None:
    company = {"type": "oidc", "isShared": False, "issuer": issuer.format(port=outside.port), "clientId": "c", "clientSecret": "s"}
    own_project.override("environment", **{"auth.oauth.providers.company": company})
    assert Application(own_project).authorize("company").status_code == 500
    assert not outside.asked
