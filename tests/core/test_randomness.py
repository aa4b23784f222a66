"""Random values: right alphabet, no bias, no repeats, and no second source of randomness or time in the code (QUALITY B13)."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import hexclave_server
from hexclave_server.core import randomness

SOURCE = Path(hexclave_server.__file__).parent


def test_tokens_have_their_form() -> None:
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{45}", randomness.new_token())
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{16}", randomness.request_id())
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", randomness.new_uuid())
    assert len(randomness.token_bytes(7)) == 7


def test_the_alphabet_is_used_uniformly() -> None:
    counts = Counter("".join(randomness.new_token() for _ in range(20_000)))
    expected = 20_000 * 45 / 32
    chi_square = sum((counts[char] - expected) ** 2 / expected for char in randomness.ALPHABET)
    assert set(counts) == set(randomness.ALPHABET)
    assert chi_square < 74  # 31 degrees of freedom: exceeded once in 50,000 runs


@pytest.mark.parametrize("make", [randomness.new_token, randomness.new_uuid, randomness.request_id])
def test_nothing_repeats(make: object) -> None:
    assert callable(make)
    assert len({make() for _ in range(100_000)}) == 100_000


ONE_HOME = {
    ("random", None): None,
    ("secrets", None): None,
    ("uuid", "uuid4"): "core/randomness.py",
    ("uuid", "uuid1"): None,
    ("os", "urandom"): "core/randomness.py",
    ("time", "time"): "core/clock.py",
    ("time", "time_ns"): "core/clock.py",
    ("datetime", "now"): "core/clock.py",
    ("datetime", "utcnow"): "core/clock.py",
    ("date", "today"): "core/clock.py",
}


def _uses(tree: ast.AST) -> set[tuple[str, str | None]]:
    used: set[tuple[str, str | None]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {(alias.name, None) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            used |= {(node.module, None)} | {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            used.add((owner, node.attr))
    return used


def test_time_and_randomness_come_from_one_module_each() -> None:
    strays = [
        f"{file.relative_to(SOURCE)}: {'.'.join(filter(None, use))}"
        for file in sorted(SOURCE.rglob("*.py"))
        for use in _uses(ast.parse(file.read_text()))
        if use in ONE_HOME and ONE_HOME[use] != str(file.relative_to(SOURCE))
    ]
    assert strays == []
