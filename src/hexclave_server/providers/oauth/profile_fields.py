"""Reading what providers say of a person: every function takes anything at all, since a provider may send anything.

What must be there and is not is refused; what is only shown is left out when it is not what it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import ada_url

from hexclave_server.core.constraints import is_lenient_email
from hexclave_server.providers.oauth.provider import ProviderFailed

_LONGEST_ID: Final = 512
_LONGEST_EMAIL: Final = 1024
_LONGEST_NAME: Final = 256
_LONGEST_URL: Final = 8192
_HIGHEST_ID: Final = 2**64


def members(value: object) -> Mapping[str, Any]:
    """The members of an object; none of anything else."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Mapping[str, Any]]:
    """The objects in an array; none of anything else."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def first(value: object) -> Mapping[str, Any]:
    """The first entry of an array of objects; without members if there is none."""
    return members(value[0]) if isinstance(value, list) and value else {}


def account_id(value: object) -> str:
    """What a person is known by at the provider. Raises ProviderFailed unless it is a non-empty text or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HIGHEST_ID:
        return str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_ID or not value.isprintable():
        raise ProviderFailed("the profile has no account id")
    return value


def email(value: object) -> str | None:
    """The address; None for null and nothing. Raises ProviderFailed for what is no address (contract 03 §3 step 8)."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_EMAIL or not is_lenient_email(value):
        raise ProviderFailed("the profile's email is no address")
    return value


def is_true(value: object) -> bool:
    """Whether a provider vouches for something: `true`, which some write as a string. Any other value is no word to rely on."""
    return value is True or value == "true"


def name(*values: object) -> str | None:
    """The first of the values that is a name to show, cut where it is too long for us."""
    for value in values:
        if isinstance(value, str):
            shown = value.replace("\x00", "").encode("utf-8", "ignore").decode()[:_LONGEST_NAME]
            if shown.strip():
                return shown
    return None


def picture(value: object) -> str | None:
    """The URL of a picture, if it is one that a page can show."""
    if not isinstance(value, str) or len(value) > _LONGEST_URL or not value.isprintable() or " " in value:
        return None
    return value if value.startswith(("https://", "http://")) and ada_url.check_url(value) else None
