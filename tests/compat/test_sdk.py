"""The official JavaScript SDK from npm, unmodified, against a running server: each scenario of `scenarios/` is one test here.

Node runs once for each version of the SDK and each database; the tests report what it printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node import Outcomes, require_node, require_success, run_scenarios, scenario_names, whereabouts
from tests.server import DatabaseKind, running_server

HERE = Path(__file__).parent
SDKS = {"stack-new": "@stackframe/js 2.8.108, headers X-Hexclave-*", "stack-old": "@stackframe/js 2.8.102, headers X-Stack-*"}
RUN_SECONDS = 240


@pytest.fixture(scope="module", params=SDKS, ids=SDKS.get)
def outcomes(request: pytest.FixtureRequest, database: DatabaseKind) -> Iterator[Outcomes]:
    """What became of every scenario with one SDK on one database; servers of its own, because it moves their clocks."""
    require_node(HERE, "stack-new")
    with running_server(database, mail=False) as server, running_server(database, {"HEXCLAVE_RATE_LIMITS": "0.1x"}, mail=False) as tight:
        project = server.new_project(sign_up_enabled=True, credential_enabled=True, magic_link_enabled=True, passkey_enabled=True)
        environment = {
            **whereabouts("", project),
            **whereabouts("INTERNAL_", server.internal),
            **whereabouts("TIGHT_", tight.new_project(sign_up_enabled=True, credential_enabled=True)),
            "HEXCLAVE_COMPAT_SDK": request.param,
        }
        yield run_scenarios(HERE, environment, RUN_SECONDS)


@pytest.mark.parametrize("scenario", scenario_names(HERE))
def test_sdk(outcomes: Outcomes, scenario: str) -> None:
    require_success(outcomes, scenario)
