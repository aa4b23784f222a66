"""A server whose providers are a double on this machine (see `tests.oauth`), and a person who signed in there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.conftest import oauth_server, running_idp, shop

__all__ = ["oauth_server", "running_idp", "shop"]


@pytest.fixture
def idp(running_idp: IdentityProvider) -> Iterator[IdentityProvider]:
    """The provider, as good as new after each test."""
    running_idp.asked.clear()
    yield running_idp
    running_idp.broken.clear()
    running_idp.expires_in = 3600
    running_idp.rotates_refresh_tokens = False
