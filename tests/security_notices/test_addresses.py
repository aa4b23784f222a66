"""Where the notice of a changed address goes: to where the owner of the account read before the change."""

from __future__ import annotations

import pytest

from hexclave_server.contact_channels.service import SignInAddresses
from hexclave_server.security_notices.addresses import address_to_notify


def addresses(primary: str | None, *for_sign_in: str) -> SignInAddresses:
    return SignInAddresses(primary, frozenset(for_sign_in))


@pytest.mark.parametrize(
    ("before", "after", "notified"),
    [
        (addresses(None), addresses(None), None),
        (addresses("old", "old"), addresses("old", "old"), None),
        (addresses("old", "old"), addresses("new", "new"), "old"),
        (addresses("old", "old"), addresses("new", "old", "new"), "old"),
        (addresses("old", "old"), addresses("old", "old", "second"), "old"),
        (addresses("old", "old"), addresses("old"), "old"),
        (addresses("old"), addresses(None), "old"),
        (addresses(None), addresses("new"), "new"),
        (addresses(None), addresses(None, "second"), "second"),
        (addresses(None, "former"), addresses("new", "former"), "former"),
        (addresses(None, "b", "a"), addresses(None), "a"),
    ],
)
def test_where_the_notice_goes(before: SignInAddresses, after: SignInAddresses, notified: str | None) -> None:
    assert address_to_notify(before, after) == notified
