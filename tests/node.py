"""Scenarios that run in Node, a test for each: `scenario("name", …)` in a folder's `scenarios/*.mjs`, run by its `run.mjs`.

`run.mjs` prints one JSON line, `{name, ok, millis, error}`, for each. Where a project is and with which keys it learns from the environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.server import Project

OLDEST_NODE = (20, 11)
IN_THE_BACKGROUND = "nothing failed in the background"

Outcomes = dict[str, dict[str, Any]]


def require_node(folder: Path, package: str) -> None:
    """Skips where Node is missing; fails where it is there and the folder's packages, of which `package` is one, are not."""
    node = shutil.which("node")
    oldest = ".".join(map(str, OLDEST_NODE))
    if node is None:
        pytest.skip(f"Node is not installed: this was not tested (it needs Node {oldest} or later)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, version.removeprefix("v").split(".")[:2])) < OLDEST_NODE:
        pytest.skip(f"Node {version} is too old: this was not tested (it needs Node {oldest} or later)")
    if not (folder / "node_modules" / package).exists():
        pytest.fail(f"{package} is not installed: run `make test`, or `npm ci` in tests/{folder.name}")


def scenario_names(folder: Path) -> list[str]:
    """The names of all scenarios of a folder, read from their source, and of the check that ends each run."""
    sources = [path.read_text("utf-8") for path in sorted(folder.glob("scenarios/*.mjs"))]
    return [*(name for source in sources for name in re.findall(r'^scenario\("([^"]+)"', source, re.MULTILINE)), IN_THE_BACKGROUND]


def whereabouts(prefix: str, project: Project) -> dict[str, str]:
    """How `compat/apps.mjs` learns where a project is and with which keys."""
    return {
        f"HEXCLAVE_COMPAT_{prefix}ORIGIN": project.server.base_url,
        f"HEXCLAVE_COMPAT_{prefix}PROJECT_ID": project.id,
        f"HEXCLAVE_COMPAT_{prefix}PUBLISHABLE_CLIENT_KEY": project.publishable_client_key,
        f"HEXCLAVE_COMPAT_{prefix}SECRET_SERVER_KEY": project.secret_server_key,
        f"HEXCLAVE_COMPAT_{prefix}SUPER_SECRET_ADMIN_KEY": project.super_secret_admin_key,
        f"HEXCLAVE_COMPAT_{prefix}CLOCK_FILE": str(project.server.clock_file),
    }


def run_scenarios(folder: Path, environment: Mapping[str, str], seconds: float) -> Outcomes:
    """Runs all scenarios of a folder; `{name: {ok, millis, error}}`. No setting of the machine reaches the SDK but those given."""
    inherited = {name: value for name, value in os.environ.items() if not re.match(r"(NEXT_PUBLIC_)?(HEXCLAVE|STACK)_", name)}
    if "HEXCLAVE_TEST_BROWSER" in os.environ:
        inherited["HEXCLAVE_TEST_BROWSER"] = os.environ["HEXCLAVE_TEST_BROWSER"]
    done = subprocess.run(
        ["node", "run.mjs"],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    if done.returncode != 0:
        pytest.fail(f"node ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return {outcome["name"]: outcome for outcome in outcomes}


def require_success(outcomes: Outcomes, scenario: str) -> None:
    """What the test of one scenario does."""
    assert scenario in outcomes, "this scenario did not run"
    assert outcomes[scenario]["ok"], outcomes[scenario]["error"]
