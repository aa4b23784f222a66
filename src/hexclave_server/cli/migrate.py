"""`hexclave migrate [--check]`."""

from __future__ import annotations

import sys

import click

from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.installation import load_settings
from hexclave_server.cli.output import config_option, json_option, show_json
from hexclave_server.core import data_directory
from hexclave_server.migrations import migrate as apply_pending
from hexclave_server.migrations import pending


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 when migrations are pending.")
@config_option
@json_option
def migrate(check: bool, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Bring the database to the schema of this version. The server does this by itself when it starts."""
    settings = load_settings(config_file)
    if check:
        if settings.uses_sqlite and not settings.sqlite_path.exists():
            msg = f"There is no database at {settings.sqlite_path}."
            raise CommandFailed(msg)
        waiting = pending(settings.database_url, settings.data_dir)
        _show("pending", waiting, as_json=as_json)
        sys.exit(1 if waiting else 0)
    data_directory.prepare(settings.data_dir)
    if settings.uses_sqlite:  # two SQLite libraries must not have one file open in one process, nor a server an older schema
        data_directory.lock(data_directory.lock_files(settings.data_dir, settings.sqlite_path), wait_seconds=0)
    _show("applied", apply_pending(settings.database_url, settings.data_dir), as_json=as_json)


def _show(word: str, revisions: list[str], *, as_json: bool) -> None:
    if as_json:
        show_json({word: revisions})
    else:
        click.echo(f"Migrations {word}: {', '.join(revisions)}" if revisions else "The database is up to date.")
