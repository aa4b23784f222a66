"""Pages in a headless Chromium: an application that uses the official SDK from an origin of its own, and the server's own pages.

Each scenario of `scenarios/` is one test here; Node runs once for each database.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Commands
from tests.node import Outcomes, require_node, require_success, run_scenarios, scenario_names, whereabouts
from tests.oidc.provider import add_company, server_with_provider
from tests.server import DatabaseKind, RunningServer

HERE = Path(__file__).parent
SDK_FOLDER = HERE.parent / "compat"
RUN_SECONDS = 240


def require_browser() -> None:
    """Skips on machines that the packaged Chromium does not run on, unless another one is named."""
    system = (platform.system(), platform.machine(), platform.libc_ver()[0])
    if system != ("Linux", "x86_64", "glibc") and "HEXCLAVE_TEST_BROWSER" not in os.environ:
        pytest.skip(f"no Chromium is packaged for {' '.join(system)}: pages were not tested (HEXCLAVE_TEST_BROWSER names an installed one)")


def setup_link(server: RunningServer) -> str:
    """The link that `hexclave admin link` prints."""
    link: str = Commands(server.directory, server.environment).json("admin", "link")["setup_link"]
    return link


@pytest.fixture(scope="module")
def outcomes(database: DatabaseKind) -> Iterator[Outcomes]:
    """What became of every scenario on one database."""
    require_browser()
    require_node(HERE, "playwright-core")
    require_node(SDK_FOLDER, "stack-new")
    server = RunningServer(database, mail=False)
    with server_with_provider(server) as provider:
        methods = {"sign_up_enabled": True, "credential_enabled": True, "magic_link_enabled": True, "passkey_enabled": True}
        project = server.new_project(**methods, oauth_providers=[{"id": "google", "type": "shared"}])
        add_company(project, provider.issuer)
        unused = {**whereabouts("INTERNAL_", server.internal), **whereabouts("TIGHT_", project)}
        environment = {**unused, **whereabouts("", project), "HEXCLAVE_PAGES_SETUP_LINK": setup_link(server)}
        environment["HEXCLAVE_PAGES_ISSUER"] = provider.issuer
        yield run_scenarios(HERE, environment, RUN_SECONDS)


@pytest.mark.parametrize("scenario", scenario_names(HERE))
def test_pages(outcomes: Outcomes, scenario: str) -> None:
    require_success(outcomes, scenario)
