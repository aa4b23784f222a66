"""From method and path to an endpoint, in under a microsecond: exact paths in a dict, the others segment by segment.

Decides on the raw path, so that `%2F` stays inside its segment; dot segments are ordinary, unknown segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from hexclave_server.core.endpoint import Endpoint

Methods = dict[str, "Endpoint"]


class _Node:
    """One segment of the paths that have parameters."""

    __slots__ = ("children", "methods", "parameter")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.parameter: _Node | None = None
        self.methods: Methods | None = None


class Router:
    """The table of all endpoints."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._exact: dict[bytes, Methods] = {}
        self._root = _Node()
        for endpoint in endpoints:
            methods = self._place(endpoint.path)
            if endpoint.method in methods:
                msg = f"two endpoints for {endpoint.method} {endpoint.path}"
                raise ValueError(msg)
            methods[endpoint.method] = endpoint

    def _place(self, path: str) -> Methods:
        if "{" not in path:
            return self._exact.setdefault(path.encode(), {})
        node = self._root
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment.encode(), _Node())
        if node.methods is None:
            node.methods = {}
        return node.methods

    def find(self, path: bytes) -> tuple[Methods, list[str]] | None:
        """The methods known on a path (without version prefix) and the decoded values of its parameters, in order."""
        methods = self._exact.get(path)
        if methods is not None:
            return methods, []
        values: list[bytes] = []
        node = _walk(self._root, path.split(b"/")[1:], 0, values)
        if node is None or node.methods is None:
            return None
        return node.methods, [unquote(value.decode("latin-1"), errors="replace") for value in values]


def _walk(node: _Node, segments: list[bytes], at: int, values: list[bytes]) -> _Node | None:
    if at == len(segments):
        return node if node.methods is not None else None
    child = node.children.get(segments[at])
    if child is not None:
        found = _walk(child, segments, at + 1, values)
        if found is not None:
            return found
    if node.parameter is not None and segments[at]:
        values.append(segments[at])
        found = _walk(node.parameter, segments, at + 1, values)
        if found is not None:
            return found
        values.pop()
    return None
