"""Where values come from: the environment, and a TOML file below it. Both end as text, so that one form reads both.

An empty variable counts as absent (a common way to unset one in compose files); in the file every key must be known.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hexclave_server.settings.errors import SettingsError
from hexclave_server.settings.variables import BY_FILE_KEY, PREFIX, SDK_NAMES


def from_environment(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Values by file key, and a warning for each `HEXCLAVE_` variable that is no setting."""
    values: dict[str, str] = {}
    warnings: list[str] = []
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in BY_FILE_KEY or name != name.upper():
            warnings.append(_unknown(name))
        elif value:
            values[key] = value
    return values, warnings


def _unknown(name: str) -> str:
    if name in SDK_NAMES:
        return f"{name} is not a setting of the server: SDKs read it."
    nearest = difflib.get_close_matches(name.upper(), [variable.name for variable in BY_FILE_KEY.values()], 1, 0.75)
    return f"{name} is not a setting of the server and is ignored." + (f" Did you mean {nearest[0]}?" if nearest else "")


def from_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """Values by key of a TOML file, and a sentence for each mistake in it. Raises SettingsError for a file that cannot be read."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError([f"The settings file {path} cannot be read: {error.strerror}."]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"The settings file {path} is not TOML: {error}."]) from None
    values: dict[str, str] = {}
    mistakes: list[str] = []
    for key, value in content.items():
        if key not in BY_FILE_KEY:
            nearest = difflib.get_close_matches(key, BY_FILE_KEY, 1, 0.75)
            mistakes.append(f"{path.name}: {key} is not a setting." + (f" Did you mean {nearest[0]}?" if nearest else ""))
            continue
        text = _as_text(value)
        if text is None:
            mistakes.append(f"{path.name}: {key} is not accepted; give {BY_FILE_KEY[key].form.accepts}.")
        elif text:
            values[key] = text
    return values, mistakes


def _as_text(value: Any) -> str | None:
    """A TOML value as it would stand in a variable; None for what has no such form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return None
