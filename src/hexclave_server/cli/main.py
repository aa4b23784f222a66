"""The group of all commands. Each is imported when it is called, so that the small ones start at once."""

from __future__ import annotations

import importlib
from typing import Any

import click

from hexclave_server.cli.failures import as_sentence

COMMANDS = {
    "serve": ("hexclave_server.cli.serve", "serve"),
    "migrate": ("hexclave_server.cli.migrate", "migrate"),
    "doctor": ("hexclave_server.cli.doctor", "doctor"),
    "project": ("hexclave_server.cli.project", "project"),
    "key": ("hexclave_server.cli.key", "key"),
    "user": ("hexclave_server.cli.user", "user"),
    "admin": ("hexclave_server.cli.admin", "admin"),
    "mailbox": ("hexclave_server.cli.mailbox", "mailbox"),
    "version": ("hexclave_server.cli.version", "version"),
}


class Commands(click.Group):
    """Finds commands by name; every failure that is no bug ends as one sentence and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Imports a command."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = as_sentence(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Hexclave: a self-hosted authentication server.

    Settings come from HEXCLAVE_… variables, or from a TOML file given with --config.
    """
