"""Access tokens as an application sees them: decoded, and verified by an independent library against the published key set."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.server import RunningServer


def segment(token: str, number: int) -> dict[str, Any]:
    """One of the two JSON segments of a compact JWS, not verified."""
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))  # type: ignore[no-any-return]


def claims_of(token: str) -> dict[str, Any]:
    """The claims, not verified."""
    return segment(token, 1)


def header_of(token: str) -> dict[str, Any]:
    """The protected header."""
    return segment(token, 0)


def key_set(server: RunningServer, project_id: str, **query: str) -> list[dict[str, Any]]:
    """The published keys of a project."""
    answer = httpx.get(f"{server.api_url}/projects/{project_id}/.well-known/jwks.json", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["keys"]  # type: ignore[no-any-return]


def verify(token: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """The claims, after the signature was verified with exactly these keys. Raises when it does not hold."""
    return jwt.decode(token, KeySet.import_key_set({"keys": keys}), algorithms=["ES256"]).claims


def known_error(answer: httpx.Response) -> str | None:
    """The code of a known error."""
    code: str | None = answer.headers.get("x-stack-known-error")
    return code
