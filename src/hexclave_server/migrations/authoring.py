"""For developers: writes the next migration from the difference between the tables in the code and the last one.

`python -m hexclave_server.migrations.authoring "what it does"`. Read the file before you commit it, and raise HEAD in the package.
"""

import importlib
import pkgutil
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.types import TypeEngine

import hexclave_server
from hexclave_server.core.db.schema import ID, JSON_TEXT, TEXT_IN_CODE_UNITS
from hexclave_server.migrations import HEAD, migrate
from hexclave_server.migrations.steps import alembic_config

_NAMES: tuple[tuple[TypeEngine[Any], str], ...] = ((ID, "ID"), (TEXT_IN_CODE_UNITS, "TEXT"), (JSON_TEXT, "JSON"))


def import_all_tables() -> None:
    """Import every module that defines tables, so that the metadata is whole."""
    for module in pkgutil.walk_packages(hexclave_server.__path__, "hexclave_server."):
        if module.name.rpartition(".")[2] == "tables" or module.name.endswith("_tables"):
            importlib.import_module(module.name)


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Spell the three column types of ours by the names that script.py.mako gives them."""
    if kind == "type":
        return next((name for type_, name in _NAMES if item is type_), False)
    return False


def write_next(message: str) -> Path:
    """Write the next revision file; its path."""
    import_all_tables()
    number = f"{int(HEAD) + 1:04}" if any((Path(__file__).parent / "versions").glob(f"{HEAD}_*.py")) else HEAD
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    with tempfile.TemporaryDirectory() as directory:
        if number != HEAD:
            migrate(None, Path(directory))
        engine = create_engine(f"sqlite:///{directory}/hexclave.db")
        with engine.connect() as connection:
            config = alembic_config(connection=connection, render_item=render_item)
            config.set_main_option("file_template", f"{number}_{slug}")
            script = command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()
    if script is None or isinstance(script, list):
        msg = "one revision was expected"
        raise RuntimeError(msg)
    return Path(script.path)


if __name__ == "__main__":
    sys.stdout.write(f"{write_next(sys.argv[1])}\n")
