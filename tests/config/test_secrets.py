"""Secrets inside overrides are sealed wherever they may be written (contract 04 §10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hexclave_server.config.secrets import seal, unseal


def encrypt(text: str, path: str) -> str:
    return f"{path}|{text[::-1]}"


def decrypt(text: str, path: str) -> str:
    bound_to, _, reverse = text.partition("|")
    assert bound_to == path
    return reverse[::-1]


@pytest.mark.parametrize(
    "override",
    [
        {"auth.oauth.providers.google.clientSecret": "hidden"},
        {"auth.oauth.providers.google": {"clientSecret": "hidden", "clientId": "shown"}},
        {"auth": {"oauth": {"providers": {"google": {"clientSecret": "hidden"}, "x": {"clientSecret": "hidden"}}}}},
        {"emails.server": {"password": "hidden", "host": "shown"}},
        {"emails": {"server": {"password": "hidden"}}, "teams": {"allowClientTeamCreation": True}},
        {"dbSync.externalDatabases.main": {"type": "postgres", "connectionString": "hidden"}},
        {"sourceOfTruth": {"type": "neon", "connectionStrings": {"main": "hidden"}}},
        {"sourceOfTruth.connectionString": "hidden"},
    ],
)
def test_secrets_are_sealed_and_come_back(override: dict[str, Any]) -> None:
    sealed = seal(override, encrypt)
    assert b"hidden" not in msgspec.json.encode(sealed)
    assert unseal(sealed, decrypt) == override


@pytest.mark.parametrize(
    "override",
    [
        {"emails.server.password": None, "auth.oauth.providers": None, "emails": {"server": None}},
        {"auth.allowSignUp": True, "unknown": {"password": "x"}, "auth.oauth.providers.google": 5},
    ],
)
def test_what_is_no_secret_stays_as_it_is(override: dict[str, Any]) -> None:
    assert seal(override, encrypt) == override
    assert unseal(override, decrypt) == override
