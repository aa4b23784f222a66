"""What goes over the wire of the configuration endpoints (contract 04 §9). Configuration itself travels as JSON inside a string."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.schema import Body, Wire


class ConfigString(Wire):
    """A configuration or an override, as JSON text."""

    config_string: str


class LevelPath(Body):
    """A level whose override can be read and written."""

    level: Literal["project", "branch", "environment"]


class ResettableLevelPath(Body):
    """A level of which single keys can be reset."""

    level: Literal["branch", "environment"]


class ConfigSource(Body):
    """Where a pushed configuration comes from; all but `type` only for `pushed-from-github`."""

    type: Literal["pushed-from-github", "pushed-from-unknown", "unlinked"]
    owner: str | UnsetType = UNSET
    repo: str | UnsetType = UNSET
    branch: str | UnsetType = UNSET
    commit_hash: str | UnsetType = UNSET
    config_file_path: str | UnsetType = UNSET
    workflow_path: str | UnsetType = UNSET


class OverrideReplacement(Body):
    """A complete override; the source is for the branch level, which requires it."""

    config_string: str
    source: ConfigSource | UnsetType = UNSET


class OverrideChange(Body):
    """Keys to merge into the stored override."""

    config_override_string: str


class KeysToReset(Body):
    """Keys whose values, and those below them, shall be those of the lower levels again."""

    keys: list[str]


class SourceRead(Wire):
    """Where the branch level comes from, as it was sent."""

    source: Raw
