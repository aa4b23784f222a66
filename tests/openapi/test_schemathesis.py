"""Requests made up from the documents that the server serves: never a 5xx, and every answer fits what is documented.

Credentials are good ones, and half of the made-up ids and addresses are replaced by real ones, so that handlers get further than "not found".
The number of requests is bounded; more of them, by hand, find more: `HEXCLAVE_SCHEMATHESIS_EXAMPLES=1000`.
"""

import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import requests

EXAMPLES = {"sqlite": int(os.environ.get("HEXCLAVE_SCHEMATHESIS_EXAMPLES", "20")), "postgresql": 6}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance]
CHANGES_THE_PROJECT = ("/internal/config", "/internal/projects", "/internal/api-keys")


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_no_answer_is_a_5xx_or_differs_from_its_document(server, database, access):
    project = server.new_project()
    with requests.Session() as session:
        served = session.get(f"{server.api_url}/openapi/{access}.json", timeout=20).json()
        seen = Counter()
        schema = schemathesis.openapi.from_dict(narrowed(served))
        schema.config.generation.update(allow_x00=False)  # has tests of its own; here it would refuse most requests
        operations = in_safe_order(schema)
        users = [project.sign_up() for _ in operations]  # all of them now: later ones may find sign-up switched off
        for operation, user in zip(operations, users, strict=True):
            try_operation(operation, project, user, access, EXAMPLES[database], session, seen)
        assert len(operations) == sum(len(methods) for methods in served["paths"].values())
    print(f"{access} on {database}: {dict(sorted(seen.items()))}")
    assert seen[200] > len(served["paths"])


def test_projects_can_be_made_of_anything_the_document_allows(server, database):
    internal = server.internal
    user = internal.sign_up()
    with requests.Session() as session:
        own = session.get(f"{server.api_url}/users/me", headers=internal.headers("client", user["access_token"]), timeout=20).json()
        schema = schemathesis.openapi.from_dict(narrowed(session.get(f"{server.api_url}/openapi/client.json", timeout=20).json()))
        schema.config.generation.update(allow_x00=False)
        seen = Counter()
        user["owner_team_id"] = own["selected_team_id"]
        try_operation(schema["/internal/projects"]["POST"], internal, user, "client", 3 * EXAMPLES[database], session, seen)
        try_operation(schema["/internal/projects"]["GET"], internal, user, "client", EXAMPLES[database], session, seen)
    assert seen[201] > 0
    assert seen[200] > 0


def narrowed(document):
    """The document with its answers closed to members it does not name, so that they are noticed, and without the headers, which are ours."""
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [one for one in operation["parameters"] if one.get("in") in ("path", "query")]
    return document


def in_safe_order(schema):
    """Operations that change the project itself come last, its end at the very end."""
    operations = [result.ok() for result in schema.get_all_operations()]
    ends_the_project = ("delete", "/internal/projects/current")
    return sorted(operations, key=lambda one: (one.path.startswith(CHANGES_THE_PROJECT), (one.method, one.path) == ends_the_project))


def try_operation(operation, project, user, access, examples, session, seen):
    real = {"project_id": project.id, **user}
    alone = project.headers(access)
    signed_in = project.headers(access, user["access_token"]) | {"x-stack-refresh-token": user["refresh_token"]}
    good, bad = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    modes = (good, good, bad) if operation.body or operation.query else (good,)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(*(operation.as_strategy(mode) for mode in modes)),
        invented=st.booleans(),
        headers=st.sampled_from([signed_in, signed_in, alone]),
    )
    def one_request(case, invented, headers):
        if not invented:
            for values in (case.path_parameters, case.query, case.body):
                put_real(values, real)
        answer = case.call(base_url=project.server.api_url, headers=headers, session=session, timeout=20)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    one_request()


def put_real(values, real):
    if isinstance(values, dict):
        values.update({name: real[name] for name in values.keys() & real.keys()})
