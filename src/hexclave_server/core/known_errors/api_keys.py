"""Errors of users' and teams' API keys and of the data vault (contract 00, "API keys, vault")."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class ApiKeyNotValid(KnownError):
    """Group: the API key does not open anything."""


class ApiKeyNotFound(ApiKeyNotValid, code="API_KEY_NOT_FOUND", status=404):
    """No such key."""

    message = "There is no such API key."


class ApiKeyExpired(ApiKeyNotValid, code="API_KEY_EXPIRED", status=401):
    """The key is past its time."""

    message = "The API key has expired. Create a new one."


class ApiKeyRevoked(ApiKeyNotValid, code="API_KEY_REVOKED", status=401):
    """The key was revoked."""

    message = "The API key was revoked. Create a new one."


class WrongApiKeyType(ApiKeyNotValid, code="WRONG_API_KEY_TYPE", status=400):
    """A team's key at the endpoint for users' keys, or the other way round."""

    expected_type: str
    actual_type: str

    @property
    def message(self) -> str:
        """Names both kinds."""
        return f"This is an API key of a {self.actual_type}; here one of a {self.expected_type} is checked."


class PublicApiKeyCannotBeRevoked(ApiKeyNotValid, code="PUBLIC_API_KEY_CANNOT_BE_REVOKED", status=400):
    """A finder reports a key that is meant to be public."""

    message = "The API key is meant to be public; finding it somewhere is no reason to revoke it."


class DataVaultStoreDoesNotExist(KnownError, code="DATA_VAULT_STORE_DOES_NOT_EXIST", status=400):
    """No such store in the project's configuration."""

    store_id: str

    @property
    def message(self) -> str:
        """Names the store."""
        return f"The project has no data vault store {self.store_id}. Create it in the project's settings."


class DataVaultStoreHashedKeyDoesNotExist(KnownError, code="DATA_VAULT_STORE_HASHED_KEY_DOES_NOT_EXIST", status=400):
    """The store holds nothing under this key."""

    store_id: str
    hashed_key: str

    @property
    def message(self) -> str:
        """Names the store and the key's hash."""
        return f"The data vault store {self.store_id} holds nothing under the key with the hash {self.hashed_key}."
