"""An OpenID provider that says what a test wants it to, of anybody: honest unless it is told to lie."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.providers.keys import claims, key_set, rsa_key, signed
from tests.providers.outside import Outside
from tests.providers.vendors import discovery


class Issuer(Outside):
    """Known by its URL, with a key of its own. `replies` may be changed, as those of any outside server."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.key = rsa_key(name)
        self.replies["/.well-known/openid-configuration"] = discovery(self)
        self.replies["/keys"] = key_set(self.key)

    def send_back(self, location: str, *, to: str | None = None, more: dict[str, str] | None = None, **said: Any) -> str:
        """The URL that a browser goes back to, which came by `location`; `to`: another callback, `said`: other claims (None leaves one out)."""
        query = dict(parse_qsl(urlsplit(location).query))
        made = claims(said.pop("iss", self.url), query["client_id"], **{"nonce": query["nonce"], **said})
        self.replies["/token"] = {"access_token": "at", "token_type": "Bearer", "id_token": signed(made, self.key)}
        self.replies["/me"] = {"sub": made.get("sub"), "email": made.get("email"), "email_verified": made.get("email_verified")}
        return (to or query["redirect_uri"]) + "?" + urlencode({"code": "the-code", "state": query["state"], **(more or {})})
