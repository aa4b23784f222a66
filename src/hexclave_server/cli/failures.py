"""What an operator reads when a command cannot do its work: one sentence, no traceback."""

from __future__ import annotations

import sys
from typing import Any


def as_sentence(error: Exception) -> str | None:
    """The message of an expected failure; None for a bug."""
    from hexclave_server.core.data_directory import DataDirectoryError  # noqa: PLC0415 - `hexclave version` needs none of this
    from hexclave_server.settings import SettingsError  # noqa: PLC0415

    if isinstance(error, SettingsError):
        return "The settings cannot be used:\n  " + "\n  ".join(error.mistakes)
    if isinstance(error, DataDirectoryError | CommandFailed):
        return str(error)
    if "hexclave_server.core.errors" not in sys.modules:  # then none of its errors can have been raised
        return None
    return _of_the_server(error)


def _of_the_server(error: Exception) -> str | None:
    from hexclave_server.core.db import DatabaseUnavailable  # noqa: PLC0415
    from hexclave_server.core.errors import KnownError, PlainError, Unavailable  # noqa: PLC0415
    from hexclave_server.migrations import NewerDatabase  # noqa: PLC0415

    if isinstance(error, DatabaseUnavailable):
        return f"The database cannot be used: {error}. Check HEXCLAVE_DATABASE_URL and that the database runs."
    if isinstance(error, NewerDatabase):
        return f"{error}. Install that release."[0].upper() + f"{error}. Install that release."[1:]
    if isinstance(error, Unavailable):
        return "The server is too busy for this just now. Try again."
    if isinstance(error, KnownError):
        return str(error.message)
    if isinstance(error, PlainError):
        return error.text
    return None


class CommandFailed(Exception):
    """A command cannot do what was asked; the message is a sentence for the operator."""


def refuse(message: str) -> Any:
    """Ends the command with a sentence."""
    raise CommandFailed(message)
