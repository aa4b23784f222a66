"""Generated overrides: every leaf of the configuration with valid values, and junk that resembles overrides."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hexclave_server.config.defaults import APP_IDS, ROOT
from hexclave_server.config.schema import Either, Interval, Level, Node, Record, Scalar, Section, child, is_open

_UUID = "11111111-2222-4333-8444-555555555555"
# Values that another rule of rendering takes away again: the source of truth is reduced, the theme must exist.
_REDUCED = ("sourceOfTruth", "emails.selectedThemeId")


def _entry_id(record: Record) -> str:
    return "analytics" if record.key.ids else next(key for key in ("entry_1", _UUID) if record.key.accepts(key))


def _leaves(node: Node, path: str) -> list[str]:
    if isinstance(node, Section):
        return [leaf for name, member in node.members.items() for leaf in _leaves(member, f"{path}.{name}".lstrip("."))]
    if isinstance(node, Record):
        return _leaves(node.entry, f"{path}.{_entry_id(node)}")
    if isinstance(node, Either) and node.record is not None:
        return [path, *_leaves(node.record, path)]
    return [path]


def leaf_paths() -> list[str]:
    """A path to every leaf, with one entry per record."""
    return [path for path in _leaves(ROOT, "") if not path.startswith(_REDUCED)]


def _nodes(path: str) -> list[Node]:
    nodes: list[Node] = [ROOT]
    for segment in path.split("."):
        below = child(nodes[-1], segment)
        assert below is not None, path
        nodes.append(below)
    return nodes


def level_of(path: str) -> Level:
    """The lowest level at which the leaf may be written."""
    return next(level for level in Level if is_open(_nodes(path)[-1], level))


def _value(node: Node) -> st.SearchStrategy[Any]:
    if isinstance(node, Interval):
        return st.tuples(st.integers(0, 400), st.sampled_from(("day", "week", "month", "year"))).map(list)
    if isinstance(node, Scalar):
        if node.choices:
            return st.sampled_from(node.choices)
        return {"boolean": st.booleans(), "string": st.text(), "number": st.integers(0, 10**6)}[node.kind]
    assert isinstance(node, Either)
    return st.one_of(*(_value(option) for option in node.options if not isinstance(option, Record)))


def written(path: str, data: st.DataObject) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """The leaf set by dot keys, and by one nested object, and what must be rendered there. Entries and their sisters exist."""
    nodes, segments = _nodes(path), path.split(".")
    value = data.draw(_value(nodes[-1]))
    dotted: dict[str, Any] = {}
    nested: Any = value
    for depth in range(len(segments) - 1, -1, -1):
        parent = nodes[depth]
        nested = {segments[depth]: nested}
        if isinstance(parent, Record | Either) and depth < len(segments) - 1:
            dotted[".".join(segments[: depth + 1])] = {}
        if isinstance(parent, Either):
            dotted[".".join(segments[:depth])] = {}
    if "providers." in path and not path.endswith(".type"):
        key = ".".join(segments[:4])
        dotted[key] = {**dotted[key], "type": "google"}
        nested["auth"]["oauth"]["providers"][segments[3]]["type"] = "google"
    if ".templates." in path:
        dotted["emails.server.isShared"] = False
        nested["emails"]["server"] = {"isShared": False}
    dotted[path] = value
    return dotted, nested, value


def junk() -> st.SearchStrategy[dict[str, Any]]:
    """Objects with real and odd keys at every depth and values of every type."""
    names = sorted(
        {segment for path in leaf_paths() for segment in path.split(".")} | {"", ".", "a.b", "$x", "é", "__proto__", *APP_IDS[:2]}
    )
    segment = st.sampled_from(names)
    paths = st.sampled_from(leaf_paths())
    prefixes = st.tuples(paths, st.integers(1, 6)).map(lambda pair: ".".join(pair[0].split(".")[: pair[1]]))
    scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5))
    values = st.recursive(
        scalars, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(segment, inner, max_size=3)), max_leaves=8
    )
    return st.dictionaries(st.one_of(prefixes, paths, segment), values, max_size=6)
