"""Rules that creation and update share: what a body may say, and how its values are stored (contract 05 §1.3, §1.6, §1.8)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.bcrypt_hashes import validate_bcrypt_hash
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import SchemaError
from hexclave_server.users.wire import ServerUserUpdate, UserCreate

TOTP_PURPOSE = "totp-secret"


def require_consistent(body: UserCreate | ServerUserUpdate) -> None:
    """What no single field can tell, right after the schema.

    Raises SchemaError for details of a restriction that the body does not impose; PlainError 400 for two passwords or a hash that is not bcrypt.
    """
    if body.restricted_by_admin is not True:
        for name in ("restricted_by_admin_reason", "restricted_by_admin_private_details"):
            if getattr(body, name):
                raise SchemaError(text=f"body.{name} must come together with body.restricted_by_admin: true")
    if body.password_hash is not UNSET:
        if body.password is not UNSET:
            raise PlainError(400, "Send either password or password_hash, not both.")
        if not validate_bcrypt_hash(body.password_hash):
            raise PlainError(400, "password_hash must be a bcrypt hash ($2a$, $2b$ or $2y$) of cost 4 to 16.")


async def new_password_hash(parts: Parts, tenancy: Tenancy, body: UserCreate | ServerUserUpdate) -> str | None:
    """The hash to store for the password that the body sets; None when it sets none. Takes its time: not inside a transaction."""
    if body.password_hash is not UNSET:
        return body.password_hash
    if isinstance(body.password, str):
        return await parts.hasher.hash(body.password, tenancy.id)
    return None


def require_password_allowed(config: Mapping[str, Any]) -> None:
    """Raises PlainError 400 when the project does not allow passwords, so that no new one can be set."""
    if config["auth"]["password"]["allowSignIn"] is not True:
        raise PlainError(400, "Password sign-in is not enabled for this project.")


def require_otp_allowed(config: Mapping[str, Any]) -> None:
    """Raises PlainError 400 when the project does not allow one-time codes, so that they cannot be switched on."""
    if config["auth"]["otp"]["allowSignIn"] is not True:
        raise PlainError(400, "Sign-in by one-time code is not enabled for this project.")


def encrypted_totp_secret(parts: Parts, tenancy: Tenancy, user_id: str, secret_base64: str | None) -> str | None:
    """The TOTP secret as stored: encrypted, bound to the user."""
    if secret_base64 is None:
        return None
    return parts.keyring.encrypt(base64.b64decode(secret_base64), purpose=TOTP_PURPOSE, tenancy_id=tenancy.id, row_id=user_id)


def stored_json(value: Raw | UnsetType) -> str | None:
    """Free-form JSON as stored: the text that was sent; None for null and for nothing."""
    if value is UNSET:
        return None
    text = bytes(value).decode()
    return None if text == "null" else text


def given(value: str | None | UnsetType) -> str | None:
    """The string, or None when it is null, empty or not given."""
    return value if isinstance(value, str) and value else None
