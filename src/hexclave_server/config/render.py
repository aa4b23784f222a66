"""From overrides to the configuration that the server works with (contract 04 §8.4).

Whatever is stored, the result has the shape of `defaults.ROOT`: sections are always there, every value has its type, keys without a value
are absent. What does not fit (validation lets some of it pass, older versions may have written more) counts as not written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.config.defaults import BUILT_IN_TEMPLATES, DEFAULT_THEME_ID, ROOT
from hexclave_server.config.merge import Override, merge
from hexclave_server.config.schema import ENTRY_ID, MISSING, Either, Interval, Node, Record, Scalar, Section, child

Config = dict[str, Any]


def render(*overrides: Override) -> Config:
    """The complete nested configuration of the overrides, lowest level first. Shares no mutable part with them or with other results."""
    merged: Override = {}
    for override in overrides:
        merged = merge(merged, override)
    config: Config = _complete(ROOT, _expand(merged), "")
    _sanitise(config)
    return config


def _expand(override: Override) -> dict[str, Any]:
    """Puts dot keys into their places, shallowest first; a key whose parent is no object is ignored."""
    tree: dict[str, Any] = {}
    for key in sorted(override, key=lambda name: name.count(".")):
        *above, name = key.split(".")
        parent = _parent(tree, above)
        if parent is not None:
            parent[name] = _copy(override[key])
    return tree


def _parent(tree: dict[str, Any], path: list[str]) -> dict[str, Any] | None:
    """The object at the path, made where the defaults have one; None where there is none."""
    node: Node = ROOT
    for segment in path:
        below = child(node, segment)
        if below is None:
            return None
        if tree.get(segment) is None and _is_standing(node, below, segment):
            tree[segment] = {}
        members = tree.get(segment)
        if not isinstance(members, dict):
            return None
        tree, node = members, below
    return tree


def _is_standing(node: Node, below: Node, segment: str) -> bool:
    """Whether the defaults have an object at this segment of the node."""
    if isinstance(below, Either):
        return bool(below.default == {})
    if isinstance(node, Record | Either):
        return isinstance(node, Record) and segment in node.standing
    return isinstance(below, Section | Record)


def _copy(value: Any) -> Any:
    """A copy of the objects, so that expanding deeper keys does not write into the override."""
    return {key: _copy(below) for key, below in value.items()} if isinstance(value, dict) else value


def _complete(node: Node, value: Any, entry_id: str) -> Any:
    """The value with all defaults below it, or MISSING."""
    if isinstance(node, Section):
        members = value if isinstance(value, dict) else {}
        completed = ((name, _complete(member, members.get(name), entry_id)) for name, member in node.members.items())
        section = {name: below for name, below in completed if below is not MISSING}
        return MISSING if node.optional and not section else section
    if isinstance(node, Record):
        return _complete_record(node, value if isinstance(value, dict) else {})
    if isinstance(node, Either):
        return _complete_either(node, value, entry_id)
    if node.accepts(value):
        return list(value) if isinstance(node, Interval) else value
    return entry_id if node.default is ENTRY_ID else node.default


def _complete_record(node: Record, entries: Mapping[str, Any]) -> Any:
    record: dict[str, Any] = {}
    for key in (*node.standing, *(key for key in entries if key not in node.standing)):
        value = entries.get(key)
        if key in node.built_in:
            value = {**node.built_in[key], **_written(value)}
        elif key not in node.standing and (value is None or "." in key or not _fits_entry(node.entry, value)):
            continue
        record[key] = _complete(node.entry, value, key)
    return MISSING if node.optional and not record else record


def _written(value: Any) -> dict[str, Any]:
    return {name: below for name, below in value.items() if below is not None} if isinstance(value, dict) else {}


def _fits_entry(entry: Node, value: Any) -> bool:
    return entry.accepts(value) if isinstance(entry, Scalar | Interval) else isinstance(value, dict)


def _complete_either(node: Either, value: Any, entry_id: str) -> Any:
    for option in node.options:
        if isinstance(option, Record):
            if isinstance(value, dict):
                return _complete(option, value, entry_id)
        elif option.accepts(value):
            return list(value) if isinstance(option, Interval) else value
    return {} if node.default == {} else node.default


def _sanitise(config: Config) -> None:
    """Step 4 of §8.4; the other rules of that step follow from `_complete`."""
    oauth, emails = config["auth"]["oauth"], config["emails"]
    oauth["providers"] = {key: provider for key, provider in oauth["providers"].items() if "type" in provider}
    rules = config["auth"]["signUpRules"].items()
    config["auth"]["signUpRules"] = dict(sorted(rules, key=lambda rule: (-rule[1]["priority"], rule[0])))
    if emails["selectedThemeId"] not in emails["themes"]:
        emails["selectedThemeId"] = DEFAULT_THEME_ID
    if emails["server"]["isShared"]:
        emails["templates"] = {key: dict(template) for key, template in BUILT_IN_TEMPLATES.items()}
    config["sourceOfTruth"] = _source_of_truth(config["sourceOfTruth"])


def _source_of_truth(source: Mapping[str, Any]) -> dict[str, Any]:
    if source["type"] == "neon":
        return {"type": "neon", "connectionStrings": source["connectionStrings"]}
    if source["type"] == "postgres" and "connectionString" in source:
        return {"type": "postgres", "connectionString": source["connectionString"]}
    return {"type": "hosted"}
