"""Providers to sign in with, for attacks on the way to them and back."""

from tests.oauth.conftest import idp, oauth_server, own_shop, running_idp, shop

__all__ = ["idp", "oauth_server", "own_shop", "running_idp", "shop"]
