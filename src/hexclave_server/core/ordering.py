"""The order of names and ids in lists of the wire: upper-cased, code unit by code unit; if equal, lower case first (contract 04)."""

from __future__ import annotations


def name_order(text: str) -> tuple[bytes, str]:
    """The sort key: `_` comes after the letters, and `a` just before `A`."""
    return text.upper().encode("utf-16-be", "surrogatepass"), text.swapcase()
