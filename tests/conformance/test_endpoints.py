"""Every route is one of the contract's, with the access that the contract gives it, or an addition that docs/differences.md names."""

import re
import textwrap

import pytest

from hexclave_server.core.context import Access
from hexclave_server.core.openapi import documents
from hexclave_server.routes import API, SITE
from tests.conformance.contract import DIFFERENCES, TIERS, read


@pytest.fixture(scope="module")
def contract():
    return {(entry["method"], entry["path"]): entry for entry in read("endpoints.json")}


@pytest.fixture(scope="module")
def additions():
    """What the table of additions names: `GET /path`, braces with commas spelt out."""
    table = DIFFERENCES.read_text().split("## Additions", 1)[1]
    named = re.findall(r"`([A-Z]+) (/[^`\s]*)`", table)
    return {(method, path) for method, written in named for path in spelt_out(written)}


def spelt_out(path):
    alternatives = re.search(r"\{([^{}]*,[^{}]*)\}", path)
    if alternatives is None:
        return [path]
    return [found for one in alternatives[1].split(",") for found in spelt_out(path.replace(alternatives[0], one))]


def test_every_route_is_in_the_contract_or_a_named_addition(contract, additions):
    ours = {(one.method, one.path): f"/api/v1{one.path}" for one in [*API, *documents(API)]} | {
        (one.method, one.path): one.path for one in SITE
    }
    unknown = [
        f"{method} {path}" for (method, path), full in ours.items() if (method, path) not in contract and (method, full) not in additions
    ]
    assert not unknown, f"neither in the contract nor under Additions in {DIFFERENCES.name}: {unknown}"


def test_every_named_addition_exists(additions):
    served = {(one.method, f"/api/v1{one.path}") for one in [*API, *documents(API)]} | {(one.method, one.path) for one in SITE}
    beside_the_routes = {("GET", "/ready"), ("GET", "/health?db=1")}
    assert additions <= served | beside_the_routes


def test_every_route_has_the_access_of_the_contract(contract):
    differing = {
        f"{one.method} {one.path}": (ours, theirs["access"])
        for one in API
        if (theirs := contract.get((one.method, one.path))) and (ours := access_of(one)) != theirs["access"]
    }
    assert not differing


def access_of(endpoint):
    return ["public"] if endpoint.access is Access.PUBLIC else endpoint.access.and_higher


def test_what_is_covered_so_far(contract, capsys):
    ours = {(one.method, one.path) for one in API}
    lines = []
    for tier in TIERS:
        entries = {key: entry for key, entry in contract.items() if entry["tier"] == tier}
        lines.append(f"{tier}: {len(entries.keys() & ours)} of the contract's {len(entries)} endpoints")
        lines += listed("covered", [" ".join(key) for key in entries if key in ours])
        lines += listed("missing", [" ".join(key) for key in entries if key not in ours])
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert ours & contract.keys()


def listed(title, names):
    text = f"{title}: {', '.join(name.replace(' ', '~') for name in names) or 'none'}"  # no line break between method and path
    lines = textwrap.wrap(text, 150, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [line.replace("~", " ") for line in lines]
