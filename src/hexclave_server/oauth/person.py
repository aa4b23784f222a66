"""What we take from a provider's profile: values that can be stored, shown and compared, whoever sent them (contract 03 §3 step 8)."""

from __future__ import annotations

import re

import ada_url
import msgspec

from hexclave_server.contact_channels.service import NormalEmail, normalise_address
from hexclave_server.core.constraints import is_lenient_email
from hexclave_server.providers.oauth.provider import Profile, ProviderFailed

_LONGEST_ID = 1024
_LONGEST_EMAIL = 1024
_LONGEST_NAME = 256
_LONGEST_URL = 4096
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account at a provider. `issuer` is empty unless the account id means something beside it only."""

    account_id: str
    issuer: str
    email: NormalEmail | None
    email_verified: bool
    display_name: str | None
    profile_image_url: str | None


def person_of(profile: Profile) -> Person:
    """The person behind a profile. Raises ProviderFailed without an account id, or with an email address that is none.

    A name or picture that is none is left out: nobody is kept from signing in by his picture.
    """
    account_id = profile.account_id
    if not account_id or len(account_id) > _LONGEST_ID or _UNSTORABLE.search(account_id):
        raise ProviderFailed("a profile without a usable account id")
    email = _email(profile.email)
    return Person(
        account_id=account_id,
        issuer=profile.issuer or "",
        email=email,
        email_verified=email is not None and profile.email_verified,
        display_name=_name(profile.display_name),
        profile_image_url=_image(profile.profile_image_url),
    )


def _email(given: str | None) -> NormalEmail | None:
    address = normalise_address(given or "")
    if not address:
        return None
    if len(address) > _LONGEST_EMAIL or not is_lenient_email(address):
        raise ProviderFailed("a profile with a malformed email address")
    return address


def _name(given: str | None) -> str | None:
    name = _UNSTORABLE.sub("", given or "").strip()[:_LONGEST_NAME]
    return name or None


def _image(given: str | None) -> str | None:
    """Only what a browser loads as a picture from the web: a URL of another scheme would run or read something."""
    if not given or len(given) > _LONGEST_URL or _UNSTORABLE.search(given):
        return None
    try:
        scheme = ada_url.URL(given).protocol
    except ValueError:
        return None
    return given if scheme in ("https:", "http:") else None
