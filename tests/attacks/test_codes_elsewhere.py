"""B2: a code of one kind, or of one project, is no code at any other endpoint and in any other project: the full matrix."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server import routes
from hexclave_server.core.endpoint import ByAccess
from hexclave_server.core.randomness import TOKEN_LENGTH
from hexclave_server.core.schema import shape_of
from hexclave_server.verification_codes.service import CodeKind
from tests.attacks.codes import issue
from tests.passwords.calls import anonymous_session
from tests.server import Project, RunningServer, new_email
from tests.stored import rows

CREDENTIAL: dict[str, Any] = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AAAA", "signature": "AAAA"},
    "clientExtensionResults": {},
}
ENDPOINTS: dict[str, tuple[CodeKind, dict[str, Any]]] = {
    "/auth/otp/sign-in": (CodeKind.SIGN_IN, {}),
    "/auth/otp/sign-in/check-code": (CodeKind.SIGN_IN, {}),
    "/auth/password/reset": (CodeKind.PASSWORD_RESET, {"password": "correct horse battery"}),
    "/auth/password/reset/check-code": (CodeKind.PASSWORD_RESET, {}),
    "/contact-channels/verify": (CodeKind.CONTACT_CHANNEL, {}),
    "/contact-channels/verify/check-code": (CodeKind.CONTACT_CHANNEL, {}),
    "/auth/mfa/sign-in": (CodeKind.MFA_ATTEMPT, {"type": "totp", "totp": "000000"}),
    "/auth/passkey/register": (CodeKind.PASSKEY_REGISTRATION, {"credential": CREDENTIAL}),
    "/auth/passkey/sign-in": (CodeKind.PASSKEY_SIGN_IN, {"authentication_response": CREDENTIAL}),
}


def takes_a_code(endpoint: Any) -> bool:
    """Whether its body has a one-time code of the full length."""
    if endpoint.body is None or isinstance(endpoint.body, ByAccess):
        return False
    field = shape_of(endpoint.body).fields.get("code")
    return field is not None and any(constraint.openapi.get("minLength") == TOKEN_LENGTH for constraint in field.constraints)


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    project = server.new_project(magic_link_enabled=True, passkey_enabled=True)
    project.configure(allow_localhost=True)
    return project


@pytest.fixture(scope="module")
def stranger(server: RunningServer) -> Project:
    return server.new_project(magic_link_enabled=True, passkey_enabled=True)


def test_every_endpoint_that_takes_a_code_is_in_the_matrix() -> None:
    assert {endpoint.path for endpoint in routes.API if takes_a_code(endpoint)} == set(ENDPOINTS)


def state_of(project: Project, kind: CodeKind) -> list[Any]:
    """Tries and use of all codes of this kind."""
    statement = (
        "SELECT c.attempts, c.used_at FROM verification_codes c JOIN tenancies t ON t.id = c.tenancy_id"
        f" WHERE t.project_id = '{project.id}' AND c.kind = '{kind.stored}' ORDER BY c.code_hash"
    )
    return rows(project.server, statement)


@pytest.mark.parametrize("kind", CodeKind, ids=lambda kind: kind.stored)
async def test_a_code_is_good_for_its_own_kind_in_its_own_project_alone(project: Project, stranger: Project, kind: CodeKind) -> None:
    user, email = project.sign_up(), new_email()
    payload = {"address": user["email"], "is_new_user": False, "challenge": "AAAA", "category_id": "x", "email": email}
    [code] = await issue(project, kind, user_id=None if kind is CodeKind.SIGN_IN else user["user_id"], payload=payload)
    before = state_of(project, kind)
    for where in (project, stranger):
        token = anonymous_session(where)["access_token"]
        for access in ("client", "server"):
            for path, (accepted, fields) in ENDPOINTS.items():
                if where is project and accepted is kind:
                    continue
                with where.http(access, token, **{"x-stack-allow-anonymous-user": "true"}) as client:
                    answer = client.post(path, json={"code": code, **fields})
                found = (answer.status_code, answer.headers.get("x-stack-known-error"))
                assert found == (404, "VERIFICATION_CODE_NOT_FOUND"), (where is project, access, path, answer.text)
        if kind is not CodeKind.UNSUBSCRIBE:
            with where.http("client") as client:
                assert client.get("/emails/unsubscribe-link", params={"code": code}).status_code == 404
    assert state_of(project, kind) == before, "not even a try was counted"
