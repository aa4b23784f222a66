"""Runs the command `hexclave` as operators do: in a process of its own, in a directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


class Commands:
    """Commands with one set of settings."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("HEXCLAVE_")} | dict(settings or {})

    def __call__(self, *arguments: str, stdin: str = "", **settings: str) -> Outcome:
        """Runs one command; settings are given without the prefix."""
        done = subprocess.run(
            [sys.executable, "-m", "hexclave_server", *arguments],
            cwd=self.directory,
            env=self.environment | {f"HEXCLAVE_{name}": value for name, value in settings.items()},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, **options: Any) -> Any:
        """The JSON of a command that succeeds."""
        outcome = self(*arguments, "--json", **options)
        assert outcome.code == 0, outcome
        return outcome.data
