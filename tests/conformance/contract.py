"""The contract's lists, read where they lie beside the checkout; whoever has only a clone of the project skips, and is told why."""

import json
from pathlib import Path

import pytest

CONTRACT = Path(__file__).parents[3] / "shared" / "contract"
DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"
TIERS = ("core", "admin", "infra")
LEVELS = ("client", "server", "admin")


def read(name):
    """A JSON file of the contract. Skips the test where there is none."""
    path = CONTRACT / name
    if not path.exists():
        pytest.skip(f"{path} is not beside this checkout, so there is nothing to compare with")
    return json.loads(path.read_text())


def operations(document):
    """The operations of an OpenAPI document by method and path."""
    return {(method.upper(), path): operation for path, methods in document["paths"].items() for method, operation in methods.items()}


class Shape:
    """A schema with its references followed: which base types a value may have, and which members an object names."""

    def __init__(self, schema, document):
        self._document = document
        while "$ref" in schema:
            found = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        self._schema = schema

    @property
    def kinds(self):
        """Base types as names of JSON; integers are numbers. Empty where anything goes."""
        if "const" in self._schema:
            return {kind_of(self._schema["const"])}
        if "enum" in self._schema:
            return {kind_of(value) for value in self._schema["enum"]}
        options = self._options()
        if options:
            return set() if any(not option.kinds for option in options) else set().union(*(option.kinds for option in options))
        kinds = self._schema.get("type", [])
        return {"number" if kind == "integer" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds)}

    @property
    def members(self):
        """The members that it names, of all alternatives together."""
        found = {name: Shape(schema, self._document) for name, schema in self._schema.get("properties", {}).items()}
        for option in self._options():
            found |= option.members
        return found

    @property
    def required(self):
        """Names of the members that are always there."""
        own = set(self._schema.get("required", ()))
        objects = [option for option in self._options() if option.members]
        return own | (set.intersection(*(option.required for option in objects)) if objects else set())

    @property
    def items(self):
        """What an array holds, or None."""
        if "items" in self._schema:
            return Shape(self._schema["items"], self._document)
        return next((option.items for option in self._options() if option.items), None)

    def _options(self):
        return [Shape(option, self._document) for option in (*self._schema.get("oneOf", ()), *self._schema.get("anyOf", ()))]


def kind_of(value):
    """The base type of a JSON value."""
    if value is None:
        return "null"
    return {bool: "boolean", str: "string", int: "number", float: "number", dict: "object", list: "array"}[type(value)]
