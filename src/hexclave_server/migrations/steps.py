"""Alembic without its ini file: which revisions there are, and running them on a connection."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection


def alembic_config(**attributes: Any) -> Config:
    """The configuration of our script directory; `attributes` reach env.py."""
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def pending_after(revision: str | None) -> list[str]:
    """The revisions after `revision`, oldest first. Raises `NewerDatabase` where it is unknown."""
    from hexclave_server.migrations import NewerDatabase  # noqa: PLC0415 - it imports this module

    scripts = ScriptDirectory.from_config(alembic_config())
    try:
        steps = list(scripts.iterate_revisions("head", revision or "base"))
    except (CommandError, RevisionError) as error:
        msg = f"the database is at revision {revision}, which this release does not know: it was migrated by a newer one"
        raise NewerDatabase(msg) from error
    return [step.revision for step in reversed(steps)]


def upgrade_on(connection: Connection) -> None:
    """Run what is pending in the transaction that `connection` has open."""
    command.upgrade(alembic_config(connection=connection), "head")
