"""The two servers that are compared, ours and the bare application, and the five calls as each of them takes them."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import argon2
import httpx
from tests.server import DatabaseKind, Project, RunningServer, free_port

from benchmarks import fill
from benchmarks.jwt_es256 import Keys
from benchmarks.load import Spec
from benchmarks.measure import ProcessTree
from hexclave_server.core.db import sqlite_path

PASSWORD = "correct horse battery staple"
ROOT = Path(__file__).parent.parent
BASELINE_KEY = "123456789012345678901234567890"
DISTINCT = 200
"""How many users, tokens or sessions a load goes through in turn."""

CALLS = {
    "session read by access token": "me",
    "session read by server key": "user",
    "refresh": "refresh",
    "list of 100 users": "users",
    "sign-in": "sign_in",
}


class Target(Protocol):
    """Something that serves the five calls."""

    tree: ProcessTree
    port: int

    def requests(self, call: str) -> list[str]:
        """Whole HTTP requests of one call (a value of CALLS), to be sent in turn."""


def request(port: int, method: str, path: str, headers: Mapping[str, str], body: str = "") -> str:
    """One HTTP/1.1 request as text."""
    lines = [f"{method} /api/v1{path} HTTP/1.1", f"host: 127.0.0.1:{port}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["content-type: application/json"]
    if method == "POST":
        lines += [f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


def spec_of(target: Target, call: str, count: int) -> Spec:
    """The load of one call."""
    return Spec(port=target.port, requests=target.requests(call), count=count)


@dataclass
class Calls:
    """The requests of the five calls, given headers and access tokens."""

    port: int
    users: int
    client: Mapping[str, str]
    server: Mapping[str, str]
    token_of: Callable[[int], str]
    _tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = random.Random(1).sample(range(self.users), min(DISTINCT, self.users))

    def of(self, call: str) -> list[str]:
        """Whole HTTP requests."""
        make = {"me": self._me, "user": self._user, "refresh": self._refresh, "users": self._users, "sign_in": self._sign_in}[call]
        return [make(number) for number in self._numbers]

    def _me(self, number: int) -> str:
        return request(self.port, "GET", "/users/me", {**self.client, "x-stack-access-token": self.token_of(number)})

    def _user(self, number: int) -> str:
        return request(self.port, "GET", f"/users/{fill.user_id(number)}", self.server)

    def _refresh(self, number: int) -> str:
        headers = {**self.client, "x-stack-refresh-token": fill.refresh_token(number)}
        return request(self.port, "POST", "/auth/sessions/current/refresh", headers)

    def _users(self, _: int) -> str:
        return request(self.port, "GET", "/users?limit=100", self.server)

    def _sign_in(self, number: int) -> str:
        body = f'{{"email":"{fill.email(number)}","password":"{PASSWORD}"}}'
        return request(self.port, "POST", "/auth/password/sign-in", self.client, body)


class Ours:
    """Our server with its defaults: one worker, access log on, throttles on, traffic limits counted but out of reach."""

    def __init__(self, database: DatabaseKind) -> None:
        settings = {"HEXCLAVE_RATE_LIMITS": "1000000x", "HEXCLAVE_ACCESS_TOKEN_TTL": "24h"}
        self.server = RunningServer(database, settings)
        self.server.environment.pop("HEXCLAVE_UNSAFE_CLOCK_FILE")  # would cost a look at the file for each reading of the clock
        self.port = self.server.port
        self.users = 0
        self.password_hash = argon2.PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1).hash(PASSWORD)
        self.seconds_to_start = self._start()
        self.project: Project = self.server.new_project(credential_enabled=True, sign_up_enabled=True)

    def _start(self) -> float:
        started = time.perf_counter()
        self.server.start()
        elapsed = time.perf_counter() - started
        assert self.server.process is not None
        self.tree = ProcessTree(self.server.process.pid)
        return elapsed

    @property
    def database_url(self) -> str:
        """URL of the PostgreSQL database, path of the SQLite one."""
        return self.server.environment.get("HEXCLAVE_DATABASE_URL") or str(sqlite_path("", self.server.data_dir))

    def restart(self) -> float:
        """Stops and starts; seconds until healthy."""
        self.server.stop()
        return self._start()

    def fill(self, users: int) -> None:
        """Raises the number of users to this one; restarts the server."""
        self.server.stop()
        put = fill.fill_postgres if self.server.database == "postgresql" else fill.fill_sqlite
        put(self.database_url, self.project.id, self.users, users, self.password_hash)
        self.users = users
        self._start()

    def requests(self, call: str) -> list[str]:
        """See Target."""
        client, server = self.project.headers("client"), self.project.headers("server")
        with self.server.http(client) as http:
            return Calls(self.port, self.users, client, server, lambda number: _refreshed(http, number)).of(call)

    def close(self) -> None:
        """Stops the server and removes its data."""
        self.server.close()


def _refreshed(http: httpx.Client, number: int) -> str:
    answer = http.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": fill.refresh_token(number)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


class Bare:
    """The bare application on the same database, under the same HTTP server with the same settings."""

    def __init__(self, ours: Ours) -> None:
        self.port = free_port()
        self._ours = ours
        os.environ["BASELINE_KEY"] = BASELINE_KEY
        environment = {
            "BASELINE_DATABASE_URL": ours.database_url,
            "BASELINE_PROJECT_ID": ours.project.id,
            "BASELINE_TENANCY_ID": fill.tenancy_of(ours.database_url, ours.project.id),
            "BASELINE_SECRET_SERVER_KEY": ours.project.secret_server_key,
            "BASELINE_PASSWORD_HASH": ours.password_hash,
        }
        command = [sys.executable, "-m", "benchmarks.serve_baseline", str(self.port)]
        self._process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT)
        self._wait_healthy()
        self.tree = ProcessTree(self._process.pid)

    def _wait_healthy(self) -> None:
        for _ in range(500):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        sys.exit("the bare application did not start")

    def requests(self, call: str) -> list[str]:
        """See Target."""
        keys, project = Keys(), self._ours.project
        client, server = project.headers("client"), project.headers("server")
        return Calls(self.port, self._ours.users, client, server, lambda number: keys.sign({"sub": fill.user_id(number)})).of(call)

    def close(self) -> None:
        """Stops it."""
        self._process.terminate()
        self._process.wait(15)
