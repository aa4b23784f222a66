"""What other features may do with users."""

from hexclave_server.users.create import NewAccount, NewUser, create_user
from hexclave_server.users.credentials import (
    NOBODY,
    Credential,
    allow_codes,
    find_credential,
    find_credential_of_user,
    replace_password,
    reset_password,
    set_first_password,
)
from hexclave_server.users.delete import delete_user
from hexclave_server.users.read import UserRow, find_user, get_user, user_on_wire
from hexclave_server.users.restriction import Restriction, restriction_of, verification_required
from hexclave_server.users.token_subject import TokenSubject, find_token_subject, mark_active, use_password, user_exists
from hexclave_server.users.upgrade import Upgrade, upgrade_anonymous

__all__ = [
    "NOBODY",
    "Credential",
    "NewAccount",
    "NewUser",
    "Restriction",
    "TokenSubject",
    "Upgrade",
    "UserRow",
    "allow_codes",
    "create_user",
    "delete_user",
    "find_credential",
    "find_credential_of_user",
    "find_token_subject",
    "find_user",
    "get_user",
    "mark_active",
    "replace_password",
    "reset_password",
    "restriction_of",
    "set_first_password",
    "upgrade_anonymous",
    "use_password",
    "user_exists",
    "user_on_wire",
    "verification_required",
]
