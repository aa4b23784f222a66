"""The project's own rules find what they are for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "lint_sources.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_sources", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "src" / "hexclave_server"
    monkeypatch.setattr(tool, "ROOT", root)
    return root


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("users/queries.py", 'def f(name): return f"SELECT * FROM users WHERE name = {name}"'),
        ("users/queries.py", 'def f(name): return "DELETE FROM users WHERE name = %s" % name'),
        ("users/service.py", "from sqlalchemy import select"),
        ("users/service.py", "import sqlalchemy"),
        ("users/service.py", "import time\nnow = time.time()"),
        ("users/service.py", "from time import time_ns"),
        ("users/service.py", "import datetime\nnow = datetime.datetime.now(datetime.UTC)"),
        ("users/service.py", "import secrets"),
        ("users/service.py", "from random import choice"),
        ("users/service.py", "import os\nkey = os.urandom(16)"),
        ("users/service.py", "import uuid\nkey = uuid.uuid4()"),
        ("users/service.py", "from hexclave_server.teams.queries import FIND"),
        ("users/service.py", "from hexclave_server.teams import tables"),
        ("users/service.py", "from hexclave_server.sessions.key_queries import FIND"),
    ],
)
def test_what_is_forbidden_is_found(tool: ModuleType, package: Path, file: str, source: str) -> None:
    path = package / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert list(tool.findings(path))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("users/queries.py", "from sqlalchemy import select\nfrom hexclave_server.users.tables import users"),
        ("core/db/sqlite.py", "import apsw\nimport sqlalchemy"),
        ("core/clock.py", "import time\nnow = time.time_ns()"),
        ("users/service.py", "from hexclave_server.teams import service\nfrom hexclave_server.users import queries"),
        ("users/service.py", 'text = f"Select a user: {1}"'),
    ],
)
def test_what_is_allowed_is_not(tool: ModuleType, package: Path, file: str, source: str) -> None:
    path = package / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert list(tool.findings(path)) == []


def test_the_sources_keep_the_rules(tool: ModuleType) -> None:
    assert tool.main() == 0
