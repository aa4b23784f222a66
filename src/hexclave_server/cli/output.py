"""How commands show their results: tables for people, one JSON document for programs."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
config_option = click.option(
    "--config", "config_file", type=click.Path(dir_okay=False), help="A TOML file with settings; the environment wins."
)


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, columns: Mapping[str, str]) -> None:
    """A list: all of it as JSON, or the named columns (key → heading) as a table. Times are keys that end in `_millis`."""
    if as_json:
        show_json(list(rows))
        return
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(key, row.get(key)) for key in columns))
    Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False).print(table)
    if not rows:
        click.echo("(none)")


def show_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: as JSON, or a line per field."""
    if as_json:
        show_json(record)
        return
    width = max(map(len, record), default=0)
    for key, value in record.items():
        click.echo(f"{key.removesuffix('_millis'):<{width}}  {_cell(key, value)}")


def show_done(sentence: str, *, as_json: bool, **result: Any) -> None:
    """The end of a command that changed something."""
    if as_json:
        show_json({"success": True, **result})
    else:
        click.echo(sentence)


def _cell(key: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key.endswith("_millis") and isinstance(value, int | float):
        return _time(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    # A terminal obeys control characters; names of users are not to be obeyed.
    return "".join(character if character.isprintable() else "�" for character in str(value))


def _time(millis: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(millis / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return str(millis)
