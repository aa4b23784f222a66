"""Checks what no general linter knows: where SQL, clocks and randomness may be, and which parts of a feature others may import.

Prints one line per finding (file, line, sentence) and exits 1 when there is any.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "hexclave_server"
ROOT = Path(__file__).resolve().parent.parent / "src" / PACKAGE
NO_FEATURES = {"core", "settings", "cli", "migrations"}
PRIVATE_PARTS = ("tables", "queries")

TIME_SOURCES = {("time", "time"), ("time", "time_ns"), ("os", "urandom"), ("uuid", "uuid1"), ("uuid", "uuid4")}
NOW_METHODS = {"now", "utcnow", "today", "fromtimestamp"}
RANDOM_MODULES = {"random", "secrets"}
CLOCK_AND_RANDOMNESS = {"core/clock.py", "core/randomness.py"}

SQL = re.compile(r"\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|ALTER\s+TABLE|PRAGMA|WITH\s+\w+\s+AS)\b")


def is_query_file(relative: str) -> bool:
    """Whether a file may build SQL."""
    name = relative.rsplit("/", 1)[-1]
    return relative.startswith(("core/db/", "migrations/", "core/throttles")) or name.endswith(("queries.py", "tables.py"))


def findings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and sentence of everything wrong in a file."""
    relative = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        yield from sql(node, relative)
        yield from borders(node, relative)
        if relative not in CLOCK_AND_RANDOMNESS:
            yield from time_and_randomness(node)


def sql(node: ast.AST, relative: str) -> Iterator[tuple[int, str]]:
    """SQL made of text, and SQL outside the files that are for it."""
    if isinstance(node, ast.JoinedStr):
        start = "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        if SQL.match(start) and not relative.startswith("core/db/"):
            yield node.lineno, "SQL put together from text; use SQLAlchemy Core with bindparam"
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
        and SQL.match(node.left.value)
    ):
        yield node.lineno, "SQL put together from text; use SQLAlchemy Core with bindparam"
    if is_query_file(relative):
        return
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
        yield node.lineno, "SQL is built in queries.py and core/db only"
    if isinstance(node, ast.Import) and any(name.name.split(".")[0] == "sqlalchemy" for name in node.names):
        yield node.lineno, "SQL is built in queries.py and core/db only"


def time_and_randomness(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Sources of time and randomness besides core's own."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [name.name for name in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        if RANDOM_MODULES & set(modules):
            yield node.lineno, "randomness comes from core/randomness.py"
        if isinstance(node, ast.ImportFrom) and any((node.module, name.name) in TIME_SOURCES for name in node.names):
            yield node.lineno, "time and randomness come from core/clock.py and core/randomness.py"
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        if (owner, node.attr) in TIME_SOURCES or (owner in ("datetime", "date") and node.attr in NOW_METHODS - {"fromtimestamp"}):
            yield node.lineno, "time and randomness come from core/clock.py and core/randomness.py"


def borders(node: ast.AST, relative: str) -> Iterator[tuple[int, str]]:
    """Imports of another feature's queries or tables."""
    if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGE + "."):
        return
    parts = [*(node.module or "").split("."), ""][1:]
    owner = parts[0]
    here = relative.split("/", 1)[0]
    if owner in NO_FEATURES or here in (owner, "migrations"):
        return
    inner = [parts[1]] if parts[1] else [name.name for name in node.names]
    if any(name in PRIVATE_PARTS or name.endswith("_queries") for name in inner):
        yield node.lineno, f"{owner} keeps its queries and tables to itself; call its service"


def main() -> int:
    """Checks every module of the server."""
    count = 0
    for path in sorted(ROOT.rglob("*.py")):
        for line, sentence in findings(path):
            print(f"{path.relative_to(ROOT.parent.parent)}:{line}: {sentence}")
            count += 1
    print("own rules: " + ("everything in order" if not count else f"{count} findings"))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
