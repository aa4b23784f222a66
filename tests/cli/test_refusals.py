"""What a server or command refuses to start with, each in one clear sentence (F6, contract 15 §2)."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Commands
from tests.server import RunningServer, free_port


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path, {"HEXCLAVE_PORT": str(free_port())})


@pytest.fixture(scope="module")
def installation() -> Iterator[tuple[RunningServer, Commands]]:
    """A data directory that a server has made and left."""
    server = RunningServer("sqlite")
    server.start()
    server.stop()
    yield server, Commands(server.directory, {n: v for n, v in server.environment.items() if n.startswith("HEXCLAVE_")})
    server.close()


def sentence(commands: Commands, *arguments: str, **settings: str) -> str:
    outcome = commands(*arguments, **settings)
    assert outcome.code == 1, outcome
    errors = [line for line in outcome.err.splitlines() if not line.startswith("Warning:")]
    return "\n".join(errors)


def test_all_mistakes_of_settings_at_once(commands: Commands) -> None:
    text = sentence(commands, "serve", PORT="x", WORKERS="-1", TRUSTED_PROXIES="me")
    assert all(f"HEXCLAVE_{name}" in text for name in ("PORT", "WORKERS", "TRUSTED_PROXIES"))


def test_a_broken_file_of_locations(commands: Commands, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"\0" * 5000)
    for path in (broken, tmp_path / "missing.mmdb"):
        text = sentence(commands, "serve", GEOIP_DATABASE=str(path))
        assert "HEXCLAVE_GEOIP_DATABASE" in text
        assert "MaxMind-format" in text
        assert "Traceback" not in text


def test_a_file_in_place_of_the_directory(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "there is a file in its place" in sentence(commands, "serve", DATA_DIR=str(tmp_path / "file"))
    assert "file" in sentence(commands, "serve", DATA_DIR=str(tmp_path / "file" / "below"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount (root)")
def test_a_read_only_directory(commands: Commands, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(directory)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        text = sentence(commands, "serve", DATA_DIR=str(directory))
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)
    assert text.count("\n") == 0
    assert "cannot be written: Read-only file system" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else(commands: Commands) -> None:
    assert "cannot be written: Permission denied" in sentence(commands, "serve", DATA_DIR="/hexclave-data")


def test_a_database_that_does_not_answer(commands: Commands) -> None:
    text = sentence(commands, "serve", DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/nothing")
    assert "database cannot be used" in text
    assert "hunter2" not in text


def test_another_master_secret(installation: tuple[RunningServer, Commands]) -> None:
    _, commands = installation
    other = base64.b64encode(os.urandom(32)).decode()
    for command in (["serve"], ["project", "list"]):
        assert "is not the one that the database was made with" in sentence(commands, *command, MASTER_SECRET=other)


def test_a_lost_and_a_damaged_master_secret(installation: tuple[RunningServer, Commands]) -> None:
    server, commands = installation
    path = server.data_dir / "master.key"
    kept = path.read_bytes()
    try:
        path.write_bytes(b"short")
        assert "is damaged" in sentence(commands, "serve")
        path.unlink()
        assert "restore" in sentence(commands, "serve")
        assert not path.exists()
        given = commands("project", "list", MASTER_SECRET=kept.decode().strip())
        assert given.code == 0
    finally:
        path.write_bytes(kept)


def test_a_file_that_is_no_database(installation: tuple[RunningServer, Commands], tmp_path: Path) -> None:
    _, commands = installation
    fake = tmp_path / "fake.db"
    fake.write_bytes(b"this is not a database, whatever its name says" * 100)
    assert "database cannot be used" in sentence(commands, "serve", DATABASE_URL=f"sqlite:///{fake}")


def test_commands_do_not_make_an_installation(commands: Commands, tmp_path: Path) -> None:
    assert "There is no database" in sentence(commands, "project", "list")
    assert "There is no database" in sentence(commands, "migrate", "--check")
    assert list(tmp_path.iterdir()) == []


def test_unknown_variables_warn(commands: Commands) -> None:
    outcome = commands("serve", "--print-config", PROT="1")
    assert outcome.code == 0
    assert "Did you mean HEXCLAVE_PORT?" in outcome.err


def test_shown_settings_hide_secrets(commands: Commands) -> None:
    outcome = commands("serve", "--print-config", DATABASE_URL="postgresql://me:hunter2@db/x", SEED_INTERNAL_SECRET_SERVER_KEY="hunter2")
    assert "hunter2" not in outcome.out + outcome.err
    assert "HEXCLAVE_DATABASE_URL=postgresql://me:***@db/x" in outcome.out
