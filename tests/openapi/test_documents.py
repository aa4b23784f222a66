"""The OpenAPI documents are valid, say what is declared, and nothing else."""

import base64
import hashlib
import re
from http import HTTPStatus

import anyio
import msgspec
import pytest
import schemathesis

from hexclave_server.core.context import Access
from hexclave_server.core.openapi import document, documents
from hexclave_server.core.schema import shape_of
from hexclave_server.routes import API

LEVELS = (Access.CLIENT, Access.SERVER, Access.ADMIN)
SHOWN = [endpoint for endpoint in API if endpoint.shown]
KINDS = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "object": "object", "array": "array"}


@pytest.fixture(scope="module", params=LEVELS, ids=lambda level: level.wire)
def access(request):
    return request.param


@pytest.fixture(scope="module")
def described(access):
    return document(API, access)


@pytest.fixture(scope="module")
def callable_endpoints(access):
    return [endpoint for endpoint in SHOWN if endpoint.access <= access]


def operation(described, endpoint):
    return described["paths"][endpoint.path][endpoint.method.lower()]


def follow(described, reference):
    found = described
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def all_references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from all_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from all_references(value)


def test_the_document_is_valid(described):
    schemathesis.openapi.from_dict(described).validate()


def test_every_reference_leads_somewhere(described):
    for reference in set(all_references(described)):
        assert follow(described, reference)


def test_it_lists_what_this_access_type_may_call_and_nothing_else(described, callable_endpoints):
    listed = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert listed == {(endpoint.method, endpoint.path) for endpoint in callable_endpoints}


def test_names_of_operations_are_unique(described):
    names = [one["operationId"] for methods in described["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does_and_where_it_belongs(described, callable_endpoints):
    for endpoint in callable_endpoints:
        assert operation(described, endpoint)["summary"], endpoint.path
        assert operation(described, endpoint)["tags"], endpoint.path


def test_bodies_are_as_declared(described, callable_endpoints, access):
    for endpoint in callable_endpoints:
        shape = endpoint.body_shape(access)
        body = operation(described, endpoint).get("requestBody")
        assert (body is None) == (shape is None), endpoint.path
        if shape is not None:
            assert body["required"] != endpoint.body_optional
            compare_members(shape_of(shape), body["content"]["application/json"]["schema"], endpoint.path)


def compare_members(shape, schema, where):
    assert set(schema["properties"]) == set(shape.fields), where
    assert set(schema.get("required", ())) == {name for name, field in shape.fields.items() if field.required}, where
    assert ("additionalProperties" not in schema) == shape.open, where
    for name, field in shape.fields.items():
        member = schema["properties"][name]
        kinds = member.get("type", [])
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        if field.kind in KINDS and "anyOf" not in member and "const" not in member:
            assert KINDS[field.kind] in kinds, f"{where} {name}"
            assert ("null" in kinds) == field.nullable, f"{where} {name}"
        if field.struct is not None and "anyOf" not in member:
            compare_members(shape_of(field.struct), member, f"{where} {name}")


def test_parameters_are_as_declared(described, callable_endpoints):
    for endpoint in callable_endpoints:
        own = [one for one in operation(described, endpoint)["parameters"] if one.get("in") in ("path", "query")]
        listed = {(one["in"], one["name"], one["required"]) for one in own}
        declared = {("path", name, True) for name in shape_of(endpoint.params).fields} if endpoint.params else set()
        if endpoint.query:
            declared |= {("query", name, field.required) for name, field in shape_of(endpoint.query).fields.items()}
        assert listed == declared, endpoint.path


def test_every_declared_error_is_listed_under_its_status(described, callable_endpoints):
    for endpoint in callable_endpoints:
        responses = operation(described, endpoint)["responses"]
        for error in endpoint.errors:
            schema = responses[str(error.status)]["content"]["application/json"]["schema"]
            assert error.code in codes_in(described, schema), endpoint.path


def codes_in(described, schema):
    node = follow(described, schema["$ref"]) if "$ref" in schema else schema
    if "oneOf" in node:
        return {code for option in node["oneOf"] for code in codes_in(described, option)}
    return {node["properties"]["code"]["const"]}


def test_every_operation_may_be_refused_for_want_of_capacity_and_tells_its_limit(described, callable_endpoints):
    for endpoint in callable_endpoints:
        one = operation(described, endpoint)
        assert {"429", "503"} <= set(one["responses"])
        assert one["x-rate-limit"]["class"] == endpoint.limit.name
        assert ("x-throttle" in one) == (endpoint.throttle is not None)


def test_a_project_is_needed_exactly_where_access_is_not_public(described, callable_endpoints):
    for endpoint in callable_endpoints:
        required = {one["name"] for one in operation(described, endpoint)["parameters"] if one.get("required") and one["in"] == "header"}
        assert required == (set() if endpoint.access is Access.PUBLIC else {"X-Stack-Access-Type", "X-Stack-Project-Id"})


def test_the_access_types_document_their_own_shapes():
    updates = {level: operation(document(API, level), users_me_update())["requestBody"]["content"]["application/json"] for level in LEVELS}
    assert "server_metadata" not in updates[Access.CLIENT]["schema"]["properties"]
    assert "server_metadata" in updates[Access.SERVER]["schema"]["properties"]


def users_me_update():
    return next(endpoint for endpoint in API if (endpoint.method, endpoint.path) == ("PATCH", "/users/me"))


def answer_of(path):
    served = next(endpoint for endpoint in documents(API) if endpoint.path == path)
    return anyio.run(served.handler)


def test_the_served_document_is_the_generated_one(described, access):
    answer = answer_of(f"/openapi/{access.wire}.json")
    assert answer.status == HTTPStatus.OK
    assert msgspec.json.decode(answer.body) == msgspec.json.decode(msgspec.json.encode(described))


def test_the_documents_do_not_list_themselves(described):
    assert not [path for path in described["paths"] if path.startswith("/openapi")]


def test_the_page_runs_nothing_but_its_own_script_and_loads_nothing_from_elsewhere():
    answer = answer_of("/openapi")
    page = answer.body.decode()
    policy = dict(answer.headers)[b"content-security-policy"].decode()
    for element in ("style", "script"):
        (own,) = re.findall(f"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://|//[a-z]|\bstyle=|\bon[a-z]+=|innerHTML", page.replace("// The page's", ""))
