"""Who gets in with a code, as a table (contract 02 §3.1 steps 1 and 2)."""

from __future__ import annotations

import pytest

from hexclave_server.contact_channels.service import NormalEmail, SignInChannel
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import SignUpNotEnabled, UserEmailAlreadyExists
from hexclave_server.otp.rules import require_admitted, require_codes_enabled

ADDRESS = NormalEmail("ada@example.com")


@pytest.mark.parametrize(
    ("owner_verified", "sign_up_enabled", "error"),
    [
        (None, True, None),
        (None, False, SignUpNotEnabled),
        (True, True, None),
        (True, False, None),
        (False, True, UserEmailAlreadyExists),
        (False, False, UserEmailAlreadyExists),
    ],
)
def test_who_gets_in(owner_verified: bool | None, sign_up_enabled: bool, error: type[Exception] | None) -> None:
    channel = None if owner_verified is None else SignInChannel("id", owner_verified)
    config = {"auth": {"allowSignUp": sign_up_enabled}}
    if error is None:
        require_admitted(ADDRESS, channel, config)
        return
    with pytest.raises(error):
        require_admitted(ADDRESS, channel, config)


@pytest.mark.parametrize("setting", [False, None, "true", 1])
def test_codes_are_off_unless_they_are_on(setting: object) -> None:
    with pytest.raises(PlainError) as refused:
        require_codes_enabled({"auth": {"otp": {"allowSignIn": setting}}})
    assert refused.value.status == 403
    require_codes_enabled({"auth": {"otp": {"allowSignIn": True}}})
