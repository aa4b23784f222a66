"""`hexclave serve` in an empty directory, and again: contract 15 §1."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.commands import Commands
from tests.server import RunningServer, free_port


class BareServer(RunningServer):
    """A server as somebody starts it who read nothing: no settings but the port."""

    def __init__(self, **settings: str) -> None:
        super().__init__("sqlite")
        kept = {name: value for name, value in self.environment.items() if not name.startswith("HEXCLAVE_")}
        self.environment = kept | {"HEXCLAVE_PORT": str(self.port)} | {f"HEXCLAVE_{name}": value for name, value in settings.items()}
        self.data_dir = self.directory / "hexclave-data"
        self.commands = Commands(self.directory, {n: v for n, v in self.environment.items() if n.startswith("HEXCLAVE_")})

    def first_lines(self) -> str:
        """What it printed, once it is complete."""
        deadline = time.monotonic() + 5
        while "is running at" not in self.log() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        return self.log()


@pytest.fixture(scope="module")
def bare() -> Iterator[BareServer]:
    with BareServer() as server:
        yield server


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_creates_a_private_directory(bare: BareServer) -> None:
    assert mode_of(bare.data_dir) == 0o700
    assert mode_of(bare.data_dir / "master.key") == 0o600
    assert mode_of(bare.data_dir / "hexclave.db") == 0o600


def test_it_prints_everything_that_is_needed(bare: BareServer) -> None:
    text = bare.first_lines()
    assert f"http://localhost:{bare.port}" in text
    assert re.search(r"Project id +[0-9a-f-]{36}\n", text)
    assert re.search(r"Publishable client key +pck_[0-9a-z]{45}\n", text)
    assert re.search(r"Secret server key +ssk_[0-9a-z]{45}\n", text)
    assert re.search(rf"http://localhost:{bare.port}/setup\?code=[0-9a-z]{{45}}\n", text)
    assert "Emails" in text


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_printed_request_works_as_printed(bare: BareServer) -> None:
    line = next(line for line in bare.first_lines().splitlines() if line.startswith("curl "))
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) == {"access_token", "refresh_token", "user_id"}


def test_a_second_server_on_the_directory_is_refused(bare: BareServer) -> None:
    refused = bare.commands("serve", PORT=str(free_port()))
    assert refused.code == 1
    assert "Another server is using" in refused.err


def test_a_second_server_on_the_port_is_refused(bare: BareServer, tmp_path: Path) -> None:
    refused = bare.commands("serve", DATA_DIR=str(tmp_path / "other"))
    assert refused.code == 1
    assert f"port {bare.port}" in refused.err


def test_a_second_start_prints_no_secrets_and_keeps_everything() -> None:
    with BareServer() as server:
        secret = (server.data_dir / "master.key").read_bytes()
        projects = server.commands.json("project", "list")
        first = server.first_lines()
        assert "ssk_" in first
        assert server.stop() == 0
        server.log_file.unlink()
        server.start()
        again = server.first_lines()
        assert f"is running at http://localhost:{server.port}" in again
        assert not re.search(r"pck_|ssk_|sak_|code=", again)
        assert (server.data_dir / "master.key").read_bytes() == secret
        assert server.commands.json("project", "list") == projects


def test_public_url_is_shown_and_the_request_still_goes_to_this_machine() -> None:
    with BareServer(PUBLIC_URL="https://auth.example.com") as server:
        text = server.first_lines()
        assert "https://auth.example.com/setup?code=" in text
        assert f"curl http://127.0.0.1:{server.port}/api/v1" in text


def test_a_seeded_administrator_needs_no_link() -> None:
    with BareServer(SEED_ADMIN_EMAIL="root@example.com", SEED_ADMIN_PASSWORD="correct horse battery") as server:
        assert "setup?code=" not in server.first_lines()
        headers = {"x-stack-access-type": "client", "x-stack-project-id": "internal"}
        with server.http(headers) as http:
            answer = http.post("/auth/password/sign-in", json={"email": "root@example.com", "password": "correct horse battery"})
            assert answer.status_code == 200, answer.text
        project_id = server.commands.json("project", "list")[1]["id"]
        admin = {
            "x-stack-access-type": "admin",
            "x-stack-project-id": project_id,
            "x-stack-admin-access-token": answer.json()["access_token"],
        }
        with server.http(admin) as http:
            assert http.get("/internal/projects/current").json()["id"] == project_id


def test_memory_of_a_server_that_worked_stays_small() -> None:
    with BareServer(RATE_LIMITS="off", LOG_LEVEL="warning") as server:
        project_id = server.commands.json("project", "list")[1]["id"]
        headers = {"x-stack-access-type": "client", "x-stack-project-id": project_id}
        with server.http(headers) as http:
            tokens = http.post("/auth/password/sign-up", json={"email": "ada@example.com", "password": "correct horse battery"}).json()
            for _ in range(1000):
                assert http.get("/users/me", headers={"x-stack-access-token": tokens["access_token"]}).status_code == 200
        assert server.process is not None
        parent = psutil.Process(server.process.pid)
        used = sum(process.memory_full_info().pss for process in [parent, *parent.children(recursive=True)])
        print(f"PSS of all processes: {used / 1e6:.0f} MB")
        assert used < 120e6


def test_json_for_programs() -> None:
    server = BareServer()
    try:
        server.start(wait=False)
        server.stop()
        done = server.commands("serve", "--print-config", "--json", PORT=str(server.port))
        assert done.data["HEXCLAVE_PORT"] == server.port
    finally:
        server.close()
