"""What tests of users say about answers."""

from __future__ import annotations

from typing import Any

import httpx

NOBODY = "00000000-0000-4000-8000-00000000dead"

CLIENT_FIELDS = {
    "id",
    "display_name",
    "primary_email",
    "primary_email_verified",
    "profile_image_url",
    "signed_up_at_millis",
    "has_password",
    "otp_auth_enabled",
    "passkey_auth_enabled",
    "auth_with_email",
    "requires_totp_mfa",
    "client_metadata",
    "client_read_only_metadata",
    "oauth_providers",
    "selected_team_id",
    "selected_team",
    "is_anonymous",
    "is_restricted",
    "restricted_reason",
    "restricted_by_admin",
    "restricted_by_admin_reason",
}
SERVER_FIELDS = CLIENT_FIELDS | {
    "primary_email_auth_enabled",
    "last_active_at_millis",
    "server_metadata",
    "restricted_by_admin_private_details",
    "country_code",
    "risk_scores",
}


def known_error(answer: httpx.Response, status: int, code: str, details: Any = None) -> None:
    """The answer is this known error, with exactly these details."""
    assert (answer.status_code, answer.headers.get("x-stack-known-error")) == (status, code), answer.text
    body = answer.json()
    assert body["code"] == code
    if details is None and code != "SCHEMA_ERROR":
        assert "details" not in body
    elif details is not None:
        assert body["details"] == details


def plain_error(answer: httpx.Response, status: int) -> None:
    """The answer is text for people, without a code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-stack-known-error" not in answer.headers


def names_field(answer: httpx.Response, field: str) -> None:
    """The answer is a SCHEMA_ERROR that names the field by its path."""
    known_error(answer, 400, "SCHEMA_ERROR")
    assert field in answer.json()["error"], answer.text
    assert answer.json()["details"]["message"] == answer.json()["error"]


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of a good answer."""
    assert answer.status_code == status, answer.text
    return answer.json()
