"""The official JavaScript SDK from npm, unmodified, against a running server: each scenario of `scenarios/` is one test here.

Node runs once for each version of the SDK and each database; the tests report what it printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.server import DatabaseKind, Project, running_server

HERE = Path(__file__).parent
SDKS = {"stack-new": "@stackframe/js 2.8.108, headers X-Hexclave-*", "stack-old": "@stackframe/js 2.8.102, headers X-Stack-*"}
OLDEST_NODE = 20
RUN_SECONDS = 240

SCENARIOS = [
    *(
        name
        for path in sorted(HERE.glob("scenarios/*.mjs"))
        for name in re.findall(r'^scenario\("([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
    ),
    "nothing failed in the background",
]


def require_node() -> None:
    """Skips where Node is missing; fails where it is there and the packages are not."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: the official SDK was not run (it needs Node 20 or later)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {version} is too old: the official SDK was not run (it needs Node 20 or later)")
    if not (HERE / "node_modules" / "stack-new").exists():
        pytest.fail("the SDK is not installed: run `make test`, or `npm ci` in tests/compat")


def whereabouts(prefix: str, project: Project) -> dict[str, str]:
    """How apps.mjs learns where a project is and with which keys."""
    return {
        f"HEXCLAVE_COMPAT_{prefix}ORIGIN": project.server.base_url,
        f"HEXCLAVE_COMPAT_{prefix}PROJECT_ID": project.id,
        f"HEXCLAVE_COMPAT_{prefix}PUBLISHABLE_CLIENT_KEY": project.publishable_client_key,
        f"HEXCLAVE_COMPAT_{prefix}SECRET_SERVER_KEY": project.secret_server_key,
        f"HEXCLAVE_COMPAT_{prefix}SUPER_SECRET_ADMIN_KEY": project.super_secret_admin_key,
        f"HEXCLAVE_COMPAT_{prefix}CLOCK_FILE": str(project.server.clock_file),
    }


def run_node(sdk: str, environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Runs all scenarios; `{name: {ok, millis, error}}`."""
    inherited = {name: value for name, value in os.environ.items() if not re.match(r"(NEXT_PUBLIC_)?(HEXCLAVE|STACK)_", name)}
    done = subprocess.run(
        ["node", "run.mjs"],
        cwd=HERE,
        env={**inherited, **environment, "HEXCLAVE_COMPAT_SDK": sdk},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    if done.returncode != 0:
        pytest.fail(f"node ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return {outcome["name"]: outcome for outcome in outcomes}


@pytest.fixture(scope="module", params=SDKS, ids=SDKS.get)
def outcomes(request: pytest.FixtureRequest, database: DatabaseKind) -> Iterator[dict[str, dict[str, Any]]]:
    """What became of every scenario with one SDK on one database; servers of its own, because it moves their clocks."""
    require_node()
    with running_server(database) as server, running_server(database, {"HEXCLAVE_RATE_LIMITS": "0.1x"}) as tight:
        project = server.new_project(sign_up_enabled=True, credential_enabled=True)
        environment = {
            **whereabouts("", project),
            **whereabouts("INTERNAL_", server.internal),
            **whereabouts("TIGHT_", tight.new_project(sign_up_enabled=True, credential_enabled=True)),
        }
        yield run_node(request.param, environment)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_sdk(outcomes: dict[str, dict[str, Any]], scenario: str) -> None:
    assert scenario in outcomes, "this scenario did not run"
    outcome = outcomes[scenario]
    assert outcome["ok"], outcome["error"]
