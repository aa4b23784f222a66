"""Verifying what authenticators send (WebAuthn L3 §7): pure, by the `webauthn` library, and everything that it raises is one failure.

The library is imported with the first passkey: it takes 7 MB and an eighth of a second, and most servers never need it.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hexclave_server.passkeys.client_data import CeremonyFailed, decoded, encoded, place_of

ALGORITHMS = (-8, -7, -257)
"""COSE: EdDSA, ES256, RS256, in the order in which they are offered."""

_LIBRARY = "webauthn"
_LONGEST_CREDENTIAL_ID = 1023  # WebAuthn L3 §7.1 step 25
_LONGEST_PUBLIC_KEY = 1100  # an RSA key of 8,192 bits: a larger one costs those who verify with it
_ES256 = -7


class NewPasskey(msgspec.Struct, frozen=True):
    """A credential that was just made. `credential_id` and `public_key` (COSE) are base64url without padding."""

    credential_id: str
    public_key: str
    sign_count: int
    rp_id: str
    is_backed_up: bool


class KnownPasskey(msgspec.Struct, frozen=True):
    """A credential as stored."""

    user_id: str
    public_key: str
    sign_count: int
    rp_id: str


class Assertion(msgspec.Struct, frozen=True):
    """What an authenticator has proved with a known credential: that it was used, and the counter it shows."""

    sign_count: int
    is_backed_up: bool


class _AttestationResponse(msgspec.Struct, rename={"client_data_json": "clientDataJSON", "attestation_object": "attestationObject"}):
    client_data_json: str
    attestation_object: str


class _AssertionResponse(msgspec.Struct, rename={"client_data_json": "clientDataJSON", "authenticator_data": "authenticatorData"}):
    client_data_json: str
    authenticator_data: str
    signature: str


class _Registration(msgspec.Struct, rename="camel"):
    id: str
    raw_id: str
    type: str
    response: _AttestationResponse


class _Authentication(msgspec.Struct, rename="camel"):
    id: str
    raw_id: str
    type: str
    response: _AssertionResponse


async def load_library() -> None:
    """Imports what verifies, apart from the event loop; to be awaited before any of the functions below."""
    if _LIBRARY not in sys.modules:
        await asyncio.to_thread(importlib.import_module, _LIBRARY)


def claimed_credential_id(response: msgspec.Raw) -> str:
    """The credential that an authentication says it is by, base64url without padding. Raises CeremonyFailed."""
    return encoded(_raw_id(_parsed(response, _Authentication)))


def verify_registration(credential: msgspec.Raw, challenge: bytes, config: Mapping[str, Any]) -> NewPasskey:
    """The new credential of a RegistrationResponseJSON that answers the challenge on a trusted page. Raises CeremonyFailed."""
    registration = _parsed(credential, _Registration)
    client_data_json = decoded(registration.response.client_data_json)
    place = place_of(client_data_json, config)
    raw_id, attestation_object = _raw_id(registration), decoded(registration.response.attestation_object)
    try:
        return _verified_registration(raw_id, client_data_json, attestation_object, challenge, place.origin, place.rp_id)
    except Exception as error:
        raise CeremonyFailed("not verified") from error


def verify_authentication(response: msgspec.Raw, known: KnownPasskey, challenge: bytes, config: Mapping[str, Any]) -> Assertion:
    """What an AuthenticationResponseJSON proves that answers the challenge on a trusted page. Raises CeremonyFailed.

    The counter is compared with the stored one here; whoever stores the new one compares again, since two may come at once.
    """
    authentication = _parsed(response, _Authentication)
    client_data_json = decoded(authentication.response.client_data_json)
    place = place_of(client_data_json, config)
    if place.rp_id != known.rp_id:
        raise CeremonyFailed("on another host than the one the credential was made for")
    parts = (_raw_id(authentication), client_data_json, decoded(authentication.response.authenticator_data))
    signature = decoded(authentication.response.signature)
    try:
        return _verified_authentication(*parts, signature, known, challenge, place.origin)
    except Exception as error:
        raise CeremonyFailed("not verified") from error


_Response = TypeVar("_Response", _Registration, _Authentication)


def _parsed(text: msgspec.Raw, shape: type[_Response]) -> _Response:
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CeremonyFailed("not the JSON of a credential") from None


def _raw_id(response: _Registration | _Authentication) -> bytes:
    raw_id = decoded(response.raw_id)
    if decoded(response.id) != raw_id or response.type != "public-key":
        raise CeremonyFailed("not a credential, or of two ids")
    return raw_id


def _verified_registration(
    raw_id: bytes, client_data_json: bytes, attestation_object: bytes, challenge: bytes, origin: str, rp_id: str
) -> NewPasskey:
    from webauthn import verify_registration_response  # noqa: PLC0415 - see above
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential  # noqa: PLC0415

    verified = verify_registration_response(
        credential=RegistrationCredential(
            id=encoded(raw_id),
            raw_id=raw_id,
            response=AuthenticatorAttestationResponse(client_data_json=client_data_json, attestation_object=attestation_object),
        ),
        expected_challenge=challenge,
        expected_rp_id=rp_id,
        expected_origin=origin,
        supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
    )
    _require_usable(verified.credential_id, verified.credential_public_key)
    return NewPasskey(
        credential_id=encoded(verified.credential_id),
        public_key=encoded(verified.credential_public_key),
        sign_count=verified.sign_count,
        rp_id=rp_id,
        is_backed_up=verified.credential_backed_up,
    )


def _require_usable(credential_id: bytes, public_key: bytes) -> None:
    """Attestation "none" proves nothing about the key: it must at least be one, of its algorithm's curve, and not of any size."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey  # noqa: PLC0415
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography  # noqa: PLC0415

    if not 0 < len(credential_id) <= _LONGEST_CREDENTIAL_ID or len(public_key) > _LONGEST_PUBLIC_KEY:
        raise CeremonyFailed("too long")
    described = decode_credential_public_key(public_key)
    key = decoded_public_key_to_cryptography(described)
    on_its_curve = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    if on_its_curve is not (described.alg == _ES256):
        raise CeremonyFailed("not a key of its algorithm")


def _verified_authentication(
    raw_id: bytes,
    client_data_json: bytes,
    authenticator_data: bytes,
    signature: bytes,
    known: KnownPasskey,
    challenge: bytes,
    origin: str,
) -> Assertion:
    from webauthn import verify_authentication_response  # noqa: PLC0415 - see above
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse  # noqa: PLC0415

    verified = verify_authentication_response(
        credential=AuthenticationCredential(
            id=encoded(raw_id),
            raw_id=raw_id,
            response=AuthenticatorAssertionResponse(
                client_data_json=client_data_json, authenticator_data=authenticator_data, signature=signature
            ),
        ),
        expected_challenge=challenge,
        expected_rp_id=known.rp_id,
        expected_origin=origin,
        credential_public_key=decoded(known.public_key),
        credential_current_sign_count=known.sign_count,
    )
    return Assertion(sign_count=verified.new_sign_count, is_backed_up=verified.credential_backed_up)
