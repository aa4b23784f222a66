"""The data directory: private, writable, used by one server at a time, and home of the master secret.

Every refusal is one sentence that says what to do. The lock is a file lock that forked workers inherit: it is free when the last process
of a server is gone, however it went.
"""

import base64
import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

from hexclave_server.core import clock, randomness

DIRECTORY_MODE = 0o700
SECRET_MODE = 0o600
MASTER_KEY_FILE = "master.key"
LOCK_FILE = "serve.lock"
MASTER_SECRET_BYTES = 32
LOCK_WAIT_SECONDS = 3.0
_LOCK_RETRY_SECONDS = 0.02


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message is a sentence for the operator."""


def prepare(directory: Path) -> None:
    """Creates the directory (mode 0700) where it is missing and makes sure that files can be written. Raises DataDirectoryError."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        probe = directory / f".write-test-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise DataDirectoryError(_refusal(directory, error)) from error


def _refusal(directory: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"The data directory {directory} cannot be used: there is a file in its place. Set HEXCLAVE_DATA_DIR to a directory."
    if error.errno == errno.ENOSPC:
        return f"The data directory {directory} cannot be written: {reason}. Free some space."
    return (
        f"The data directory {directory} cannot be written: {reason}. "
        "Make it writable for the user that runs the server, or set HEXCLAVE_DATA_DIR to another one."
    )


def master_key_path(directory: Path) -> Path:
    """Where a generated master secret is kept."""
    return directory / MASTER_KEY_FILE


def read_master_secret(directory: Path) -> bytes | None:
    """The master secret kept in the directory, None when there is none. Raises DataDirectoryError for one that cannot be read."""
    path = master_key_path(directory)
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"The master secret {path} cannot be read: {error.strerror}. Make it readable for the user that runs the server, and nobody else."
        raise DataDirectoryError(msg) from error
    except ValueError:
        secret = b""
    if len(secret) < MASTER_SECRET_BYTES:
        msg = f"The master secret {path} is damaged. Restore it from a backup: what is encrypted in the database cannot be read without it."
        raise DataDirectoryError(msg)
    return secret


def generate_master_secret(directory: Path) -> bytes:
    """Makes a master secret and keeps it (mode 0600); it is on the disk before this returns. Never replaces one."""
    secret = randomness.token_bytes(MASTER_SECRET_BYTES)
    path = master_key_path(directory)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)  # of a start that was killed; in a container every start has the same process id
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
        try:
            os.write(handle, base64.b64encode(secret) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        os.link(draft, path)  # unlike a rename this fails where there is one already
        draft.unlink()
        _sync_directory(directory)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise DataDirectoryError(_refusal(directory, error)) from error
    return secret


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock_files(directory: Path, sqlite_path: Path | None) -> list[Path]:
    """The files that one server locks: in its data directory, and beside an SQLite file that is elsewhere."""
    files = [directory / LOCK_FILE]
    if sqlite_path is not None and sqlite_path.parent.resolve() != directory.resolve():
        files.append(sqlite_path.with_name(sqlite_path.name + "-" + LOCK_FILE))
    return files


def lock(files: Sequence[Path], wait_seconds: float = LOCK_WAIT_SECONDS) -> list[int]:
    """Locks the files for this process and those it forks; their descriptors. Raises DataDirectoryError when another server holds one.

    Waits a moment first: the workers of a server that was killed need one to notice and go.
    """
    descriptors: list[int] = []
    give_up_at = clock.monotonic() + wait_seconds
    for path in files:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, SECRET_MODE)
        except OSError as error:
            raise DataDirectoryError(_refusal(path.parent, error)) from error
        while not _locked(descriptor):
            if clock.monotonic() > give_up_at:
                msg = f"Another server is using {path.parent}. Stop it first, or give this one its own HEXCLAVE_DATA_DIR."
                raise DataDirectoryError(msg)
            time.sleep(_LOCK_RETRY_SECONDS)
        descriptors.append(descriptor)
    return descriptors


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
