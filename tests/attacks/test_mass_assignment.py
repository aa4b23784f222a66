"""D3: every name that is a field anywhere, sent to every endpoint whose body does not declare it, is refused and changes nothing.

Generated from `routes.API`: a new endpoint with a body fails here until SAMPLES says what a body that it accepts looks like.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Table

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.db import metadata
from hexclave_server.core.endpoint import ByAccess, Endpoint
from hexclave_server.core.schema import Shape, shape_of
from tests.server import RunningServer, new_email
from tests.stored import contents

INVENTED = {
    *("is_admin", "admin", "role", "roles", "permissions", "scope", "verified", "email_verified", "owner", "owner_id", "tenant_id"),
    *("tenancy", "project", "branch", "user", "team_ids", "groups", "created_by", "deleted", "disabled", "enabled", "status", "balance"),
    *(
        "$sealed",
        "__proto__",
        "constructor",
        "prototype",
        "_method",
        "id",
        "Id",
        "ID",
        "access_type",
        "level",
        "claims",
        "sub",
        "aud",
        "iss",
    ),
}
OPEN = {"POST /auth/oauth/token"}
"""Ignores what it does not know, as RFC 6749 §3.2 demands: there, an unknown name must only have no effect."""

KEYS = {"has_publishable_client_key": True, "has_secret_server_key": True, "has_super_secret_admin_key": True}
PROVIDER = {"id": "github", "type": "standard", "client_id": "x", "client_secret": "x"}
MAIL = {"type": "standard", "host": "h", "port": 25, "username": "u", "password": "p", "sender_name": "n", "sender_email": "a@example.com"}
PROJECT = {
    "display_name": "mass assigned",
    "config": {
        "domains": [{"domain": "https://example.com", "handler_path": "/handler"}],
        "oauth_providers": [PROVIDER],
        "email_config": MAIL,
        "user_default_permissions": [{"id": "x"}],
    },
}
USER = {"display_name": "mass assigned", "risk_scores": {"sign_up": {"bot": 1, "free_trial_abuse": 2}}}

SAMPLES: dict[str, dict[str, Any]] = {
    "POST /auth/password/sign-up": {"email": "new@example.com", "password": "mass assigned"},
    "POST /auth/password/sign-in": {"email": "<email>", "password": "correct horse battery"},
    "POST /auth/password/update": {"old_password": "correct horse battery", "new_password": "mass assigned"},
    "POST /auth/password/set": {"password": "mass assigned"},
    "POST /auth/password/send-reset-code": {"email": "new@example.com", "callback_url": "http://localhost/"},
    "POST /auth/password/reset": {"code": "x" * 45, "password": "mass assigned"},
    "POST /auth/password/reset/check-code": {"code": "x" * 45},
    "POST /auth/otp/send-sign-in-code": {"email": "new@example.com", "callback_url": "http://localhost/"},
    "POST /auth/otp/sign-in": {"code": "x" * 45},
    "POST /auth/otp/sign-in/check-code": {"code": "x" * 45},
    "POST /auth/mfa/sign-in": {"code": "x" * 45, "type": "totp", "totp": "000000"},
    "POST /auth/mfa/recovery-codes": {},
    "POST /auth/passkey/register": {"credential": {}, "code": "x" * 45},
    "POST /auth/passkey/sign-in": {"authentication_response": {}, "code": "x" * 45},
    "POST /auth/sessions": {"user_id": "<user>"},
    "POST /auth/cli": {},
    "POST /auth/cli/poll": {"polling_code": "x"},
    "POST /auth/cli/complete": {"login_code": "x"},
    "POST /auth/oauth/token": {"grant_type": "refresh_token", "client_id": "<project>", "refresh_token": "x"},
    "POST /auth/oauth/callback/apple/native": {"id_token": "x"},
    "POST /auth/oauth/cross-domain/authorize": {"redirect_uri": "http://localhost/", "state": "x", "code_challenge": "x" * 43},
    "POST /auth/oauth/connected-accounts/{provider_id}/access-token": {"scope": "email"},
    "POST /connected-accounts/{user_id}/{provider_id}/access-token": {"scope": "email"},
    "POST /connected-accounts/{user_id}/{provider_id}/{provider_account_id}/access-token": {"scope": "email"},
    "POST /oauth-providers": {
        "user_id": "<user>",
        "provider_config_id": "github",
        "account_id": "1",
        "allow_sign_in": False,
        "allow_connected_accounts": True,
        "email": "mass@example.com",
    },
    "PATCH /oauth-providers/{user_id}/{provider_id}": {
        "allow_sign_in": False,
        "allow_connected_accounts": False,
    },
    "PATCH /users/me": {"display_name": "mass assigned"},
    "POST /users": {**USER, "oauth_providers": [{"id": "github", "account_id": "1"}]},
    "PATCH /users/{user_id}": USER,
    "POST /contact-channels": {
        "user_id": "<user>",
        "type": "email",
        "value": "mass@example.com",
        "used_for_auth": True,
        "is_primary": True,
    },
    "PATCH /contact-channels/{user_id}/{contact_channel_id}": {"type": "email", "value": "mass@example.com", "used_for_auth": True},
    "POST /contact-channels/{user_id}/{contact_channel_id}/send-verification-code": {"callback_url": "http://localhost/"},
    "POST /contact-channels/send-verification-code": {"email": "<email>", "callback_url": "http://localhost/"},
    "POST /contact-channels/verify": {"code": "0" * 45},
    "POST /contact-channels/verify/check-code": {"code": "0" * 45},
    "PATCH /emails/notification-preference/{user_id}/{notification_category_id}": {"enabled": False},
    "POST /internal/projects": {"owner_team_id": str(uuid.uuid4()), **PROJECT},
    "PATCH /internal/projects/current": PROJECT,
    "POST /internal/api-keys": {"description": "mass assigned", "expires_at_millis": 4e12, **KEYS},
    "PATCH /internal/api-keys/{api_key_id}": {"description": "mass assigned"},
    "PUT /internal/config/override/{level}": {"config_string": "{}", "source": {"type": "pushed-from-unknown"}},
    "PATCH /internal/config/override/{level}": {"config_override_string": "{}"},
    "PATCH /internal/config/override": {"config_override_string": "{}"},
    "POST /internal/config/override/{level}/reset-keys": {"keys": ["auth.allowSignUp"]},
}


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


WITH_BODY = [endpoint for endpoint in routes.API if endpoint.body is not None]


def shapes_with(shape: Shape) -> Iterator[Shape]:
    """A shape and all below it."""
    yield shape
    for field in shape.fields.values():
        inner = field.struct or (field.items.struct if field.items is not None else None)
        if inner is not None:
            yield from shapes_with(shape_of(inner))


def names_of_answers(struct: Any) -> Iterator[str]:
    """Every member of an answer, nested ones included."""
    if struct is not None:
        for component in msgspec.json.schema_components([struct])[1].values():
            yield from component.get("properties", {})


def every_name() -> list[str]:
    """Everything that is called a field anywhere: in requests, in answers, in tables."""
    names = set(INVENTED)
    for endpoint in routes.API:
        for part in (endpoint.body, endpoint.query, endpoint.params):
            for struct in [part.client, part.server, part.admin or part.server] if isinstance(part, ByAccess) else [part]:
                if struct is not None:
                    names.update(*(shape.fields for shape in shapes_with(shape_of(struct))))
        for answer in (endpoint.returns.client, endpoint.returns.server) if isinstance(endpoint.returns, ByAccess) else (endpoint.returns,):
            names.update(names_of_answers(answer))
    for table in metadata.tables.values():
        names.update(columns(table))
    return sorted(names)


def columns(table: Table) -> Iterator[str]:
    return (column.name for column in table.columns)


def with_stranger(body: Any, shape: Shape, name: str, value: Any) -> Iterator[Any]:
    """Copies of the body with one more member in each object whose shape does not declare it."""
    if name not in shape.fields:
        yield {**body, name: value}
    for member, field in shape.fields.items():
        if member not in body:
            continue
        if field.struct is not None:
            for changed in with_stranger(body[member], shape_of(field.struct), name, value):
                yield {**body, member: changed}
        elif field.items is not None and field.items.struct is not None:
            for changed in with_stranger(body[member][0], shape_of(field.items.struct), name, value):
                yield {**body, member: [changed]}


def shapes_by_access(endpoint: Endpoint) -> dict[Access, Any]:
    """The lowest access type that has each shape of the body."""
    allowed = [access for access in (Access.ADMIN, Access.SERVER, Access.CLIENT) if access >= endpoint.access]
    return {access: struct for struct, access in {endpoint.body_shape(access): access for access in allowed}.items()}


class Target:
    """What the requests aim at, and who sends them."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.project = server.new_project(oauth_providers=[PROVIDER])
        self.user = self.project.sign_up()
        owner = server.internal.sign_up()
        with server.http(server.internal.headers("client", owner["access_token"])) as client:
            self.team_id = client.get("/users/me").json()["selected_team_id"]
        with self.project.http("admin") as client:
            key_set_id = client.get("/internal/api-keys").json()["items"][0]["id"]
        with self.project.http("server") as client:
            channel_id = client.get("/contact-channels", params={"user_id": self.user["user_id"]}).json()["items"][0]["id"]
            link = {**SAMPLES["POST /oauth-providers"], "user_id": self.user["user_id"], "account_id": "3"}
            link_id = client.post("/oauth-providers", json=link).json()["id"]
        self.ids = {"user_id": self.user["user_id"], "api_key_id": key_set_id, "contact_channel_id": channel_id, "level": "branch"}
        self.ids["notification_category_id"] = "4f6f8873-3d04-46bd-8bef-18338b1a1b4c"
        self.ids |= {"provider_id": link_id, "provider_account_id": "3"}
        self.words = {"<email>": self.user["email"], "<user>": self.user["user_id"], "<project>": self.project.id}

    def body(self, endpoint: Endpoint) -> dict[str, Any]:
        sample = copy.deepcopy(SAMPLES[named(endpoint)])
        return {name: self.words.get(value, value) if isinstance(value, str) else value for name, value in sample.items()}

    def http(self, access: Access) -> httpx.Client:
        return self.project.http(access.wire, self.user["access_token"])

    def send(self, client: httpx.Client, endpoint: Endpoint, body: dict[str, Any]) -> httpx.Response:
        path = endpoint.path.format_map(self.ids)
        return client.request(endpoint.method, path, json=body)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """On SQLite alone: bodies are decoded before any database is asked."""
    with RunningServer("sqlite", {"HEXCLAVE_LOG_LEVEL": "warning"}) as server:
        yield Target(server)


def test_there_is_a_sample_for_every_body() -> None:
    assert {named(endpoint) for endpoint in WITH_BODY} == set(SAMPLES)
    assert {"user_id", "project_id", "server_metadata", "password_hash", "tenancy_id", "sign_up", "last_four", "risk_bot"} < set(
        every_name()
    )


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_only_what_is_declared_is_taken(target: Target, endpoint: Endpoint) -> None:
    before = contents(target.server)
    sent = 0
    for access, struct in shapes_by_access(endpoint).items():
        shape = shape_of(struct)
        sample = {name: value for name, value in target.body(endpoint).items() if name in shape.fields}
        with target.http(access) as client:
            for name in every_name():
                for body in with_stranger(sample, shape, name, True):
                    answer = target.send(client, endpoint, body)
                    sent += 1
                    if named(endpoint) in OPEN:
                        assert answer.status_code in (400, 401), (body, answer.text)
                        continue
                    assert (answer.status_code, answer.headers.get("x-stack-known-error")) == (400, "SCHEMA_ERROR"), (body, answer.text)
                    assert f"unknown property: {name}" in answer.text, answer.text
    assert contents(target.server) == before
    print(f"{named(endpoint)}: {sent} bodies")


@pytest.mark.parametrize("endpoint", [e for e in WITH_BODY if named(e) not in OPEN], ids=named)
def test_the_samples_are_refused_for_nothing_but_the_stranger(target: Target, endpoint: Endpoint) -> None:
    """Else the test above would prove nothing."""
    victim = Target(target.server)
    body = victim.body(endpoint)
    if endpoint.path == "/auth/password/sign-up":
        body["email"] = new_email()
    with victim.http(max(endpoint.access, Access.CLIENT)) as client:
        answer = victim.send(client, endpoint, body)
    assert answer.headers.get("x-stack-known-error") != "SCHEMA_ERROR", answer.text
    assert answer.status_code < 500
