"""Sign-in with a provider: the server's CPU per dance and step. `python -m benchmarks.oauth [sqlite|postgresql]` (aim: under 3 ms a dance).

The provider is a process of its own on this machine; the browser is this one. All dances go through a step before the next step begins, so
that each step's CPU can be told apart: first for people who are new, then for the same people again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.oauth.dance import new_project
from tests.server import DatabaseKind, Project, RunningServer

from benchmarks.measure import ProcessTree

DANCES = 1000
CONNECTIONS = 16
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "http://localhost:3000/handler/oauth-callback"
FORM = "application/x-www-form-urlencoded"


def authorize(project: Project) -> str:
    """A browser is sent to us by an application."""
    query = {
        "client_id": project.id,
        "client_secret": project.publishable_client_key,
        "redirect_uri": CALLBACK,
        "scope": "legacy",
        "state": "s" * 43,
        "grant_type": "authorization_code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "response_type": "code",
    }
    return f"GET /api/v1/auth/oauth/authorize/discord?{urlencode(query)} HTTP/1.1\r\nhost: localhost\r\n\r\n"


def come_back(location: str, name: str) -> str:
    """The browser comes back from the provider with a code."""
    state = _parameter(location, "state")
    path = f"/api/v1/auth/oauth/callback/discord?{urlencode({'code': name, 'state': state})}"
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: stack-oauth-inner-{state}=true\r\n\r\n"


def exchange(project: Project, location: str) -> str:
    """The application exchanges the code that the browser brought."""
    form = {
        "grant_type": "authorization_code",
        "code": _parameter(location, "code"),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": project.id,
        "client_secret": project.publishable_client_key,
    }
    body = urlencode(form)
    return f"POST /api/v1/auth/oauth/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: {FORM}\r\ncontent-length: {len(body)}\r\n\r\n{body}"


def _parameter(location: str, name: str) -> str:
    return parse_qs(urlsplit(location).query)[name][0]


async def send(port: int, requests: Sequence[str], status: int) -> list[str]:
    """Sends all requests over some connections; the `location` of each answer, which must have this status."""
    locations = [""] * len(requests)
    waiting = iter(enumerate(requests))

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in waiting:
            writer.write(request.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.lower().partition(": ")[::2] for line in head.split("\r\n")[1:-2])
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            assert head.split()[1] == str(status), (head, body)
            locations[number] = next((line[10:] for line in head.split("\r\n") if line.lower().startswith("location: ")), "")
        writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return locations


class Provider:
    """The provider's process."""

    def __init__(self) -> None:
        port_file = Path(tempfile.mkdtemp(prefix="provider-")) / "port"
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.provider", str(port_file)], stdin=subprocess.PIPE, text=True)
        while not port_file.exists():
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port_file.read_text()}"

    def settings(self) -> dict[str, str]:
        """Settings of the server that let `discord` be here."""
        paths = {"AUTHORIZE": "auth", "TOKEN": "token", "USERINFO": "me"}
        return {f"HEXCLAVE_OAUTH_DISCORD_{name}_URL": f"{self.url}/{path}" for name, path in paths.items()}

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def dance(tree: ProcessTree, port: int, project: Project, names: Sequence[str]) -> dict[str, float]:
    """Everybody signs in; milliseconds of the server's CPU per dance, by step."""
    spent: dict[str, float] = {}

    def step(name: str, requests: Sequence[str], status: int) -> list[str]:
        before = tree.cpu_seconds()
        locations = asyncio.run(send(port, requests, status))
        spent[name] = (tree.cpu_seconds() - before) / len(requests) * 1000
        return locations

    to_provider = step("authorize", [authorize(project)] * len(names), 307)
    back = step("callback", [come_back(location, name) for location, name in zip(to_provider, names, strict=True)], 303)
    step("token", [exchange(project, location) for location in back], 200)
    return spent


def measure(database: DatabaseKind, count: int = DANCES) -> None:
    """Prints the figures of one database."""
    provider = Provider()
    try:
        with RunningServer(database, provider.settings(), mail=False) as server:
            project = new_project(server)
            assert server.process is not None
            tree = ProcessTree(server.process.pid)
            dance(tree, server.port, project, [f"first{number}" for number in range(50)])
            for what in ("new people", "again", "and again"):
                spent = dance(tree, server.port, project, [f"person{number}" for number in range(count)])
                steps = ", ".join(f"{name} {millis:.2f}" for name, millis in spent.items())
                print(f"{database}, {what}: {sum(spent.values()):.2f} ms of CPU per dance (aim 3): {steps}")
    finally:
        provider.close()


if __name__ == "__main__":
    measure("postgresql" if "postgresql" in sys.argv else "sqlite")
