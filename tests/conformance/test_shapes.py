"""Parameters, bodies and answers against the published documents of the original API: what they say holds here too.

Exceptions are listed, each with the section of the contract that decides. An exception that is no longer needed fails as well.
"""

import json

import pytest

from hexclave_server.core.context import Access
from hexclave_server.core.openapi import document
from hexclave_server.routes import API
from tests.conformance.contract import LEVELS, operations, read
from tests.conformance.differences import differences

EXCEPTIONS = {
    "DELETE /auth/sessions/{id}: query user_id is optional": "01 §6: the official server SDK does not send it",
    "GET /auth/sessions: answer pagination is missing": "00 §9: a list that is complete has no pagination",
    "GET /contact-channels: answer pagination is missing": "00 §9, 05 §3.1: a list that is complete has no pagination",
    "GET /auth/oauth/authorize/{provider_id}: status 200, not 302": "03 §2: 307, and 200 in the mode `json`, which has a shape",
    "GET /oauth-providers: answer pagination is missing": "00 §9, 03 §11: a list that is complete has no pagination",
    "POST /auth/cli/complete: body refresh_token is optional": "02 §7.3: only the mode `complete` needs one",
    "POST /auth/cli/complete: answer success is not always sent": "02 §7.3: the other modes answer otherwise",
    "GET /emails/notification-preference/{user_id}: answer pagination is missing": "00 §9, 05 §4: a list that is complete has no pagination",
    "GET /emails/notification-preference/{user_id}: path user_id is required": "05 §4: there is no such path without it",
    "PATCH /emails/notification-preference/{user_id}/{notification_category_id}: path notification_category_id is required": "05 §4: likewise",
    "POST /auth/mfa/sign-in: body totp is optional": "02 §4, ours: a recovery code may take its place",
    "PATCH /internal/config/override: body config_override_string is required": "04 §9: required in the PATCH of a level, which this is an alias of",
}
"""Differences that the contract's prose wants, with the section that says so."""


def our_document(level):
    return json.loads(json.dumps(document(API, Access[level.upper()])))  # as clients get it


@pytest.mark.parametrize("level", LEVELS)
def test_an_endpoint_of_a_document_is_there_for_that_access(level):
    known = operations(our_document(level))
    declared = {(one.method, one.path) for one in API}
    withheld = [
        f"{method} {path}" for method, path in operations(read(f"openapi/{level}.json")) if (method, path) in declared - known.keys()
    ]
    assert not withheld


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_document_says_of_an_endpoint_holds(level):
    unexpected = set(differences(our_document(level), read(f"openapi/{level}.json"))) - EXCEPTIONS.keys()
    assert not unexpected, "\n" + "\n".join(sorted(unexpected))


def test_every_exception_is_still_one():
    found = {one for level in LEVELS for one in differences(our_document(level), read(f"openapi/{level}.json"))}
    assert found >= EXCEPTIONS.keys()


def one_operation(*, body, answer, query_required=False, query_kind="number"):
    return {
        "paths": {
            "/things": {
                "post": {
                    "parameters": [{"in": "query", "name": "limit", "required": query_required, "schema": {"type": query_kind}}],
                    "requestBody": {"content": {"application/json": {"schema": body}}},
                    "responses": {"201": {"content": {"application/json": {"schema": answer}}}},
                }
            }
        }
    }


THING = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"type": "number"}}},
    "required": ["name"],
}
PUBLISHED = one_operation(body=THING, answer=THING)


def changed(**properties):
    return {**THING, "properties": {**THING["properties"], **properties}}


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (one_operation(body=THING, answer=THING, query_required=True), "POST /things: query limit is required"),
        (one_operation(body=THING, answer=THING, query_kind="boolean"), "POST /things: query limit is boolean, not number"),
        (one_operation(body={**THING, "required": []}, answer=THING), "POST /things: body name is optional"),
        (one_operation(body=THING, answer={**THING, "required": []}), "POST /things: answer name is not always sent"),
        (one_operation(body=THING, answer=changed(name={"type": "number"})), "POST /things: answer name is number, not string"),
        (
            one_operation(body={"type": "object", "required": ["name"], "properties": {"name": {}}}, answer=THING),
            "POST /things: body parts is missing",
        ),
    ],
)
def test_a_difference_is_seen(ours, sentence):
    assert list(differences(ours, PUBLISHED)) == [sentence]


def test_null_any_json_and_further_members_are_no_differences():
    richer = changed(name={"type": ["string", "null"]}, parts={}, more={"type": "string"})
    assert list(differences(one_operation(body=richer, answer=richer), PUBLISHED)) == []
