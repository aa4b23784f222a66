"""A software authenticator with the browser around it (WebAuthn L3 §6): real CBOR, real keys, real signatures; and everything it can get wrong."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ES256, EDDSA, RS256 = -7, -8, -257
USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
LOCALHOST = "http://localhost:3000"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def host_of(origin: str) -> str:
    return origin.partition("://")[2].partition("/")[0].partition(":")[0]


class Key:
    """A key pair of one COSE algorithm."""

    def __init__(self, algorithm: int) -> None:
        self.algorithm = algorithm
        self._private: Any = {
            ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
            EDDSA: ed25519.Ed25519PrivateKey.generate,
            RS256: lambda: rsa.generate_private_key(65537, 2048),
        }[algorithm]()

    def sign(self, data: bytes) -> bytes:
        if self.algorithm == ES256:
            return self._private.sign(data, ec.ECDSA(SHA256()))
        return self._private.sign(data) if self.algorithm == EDDSA else self._private.sign(data, padding.PKCS1v15(), SHA256())

    def cose(self) -> dict[int, Any]:
        """The public key as RFC 9053 has it."""
        if self.algorithm == EDDSA:
            return {1: 1, 3: EDDSA, -1: 6, -2: self._private.public_key().public_bytes_raw()}
        numbers = self._private.public_key().public_numbers()
        if self.algorithm == ES256:
            return {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return {1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}


class Authenticator:
    """One credential on one device. `counts=False` shows 0 for ever, as synchronised passkeys do."""

    def __init__(self, algorithm: int = ES256, *, origin: str = LOCALHOST, counts: bool = True, credential_id: bytes | None = None) -> None:
        self.key = Key(algorithm)
        self.origin = origin
        self.counts = counts
        self.credential_id = credential_id or os.urandom(32)
        self.sign_count = 0

    @property
    def id(self) -> str:
        return base64url(self.credential_id)

    def clone(self) -> Authenticator:
        """A copy of the device as it is now, with the same key."""
        return copy.copy(self)

    def create(self, options: Mapping[str, Any], *, packed: bool = False, **wrong: Any) -> dict[str, Any]:
        """A RegistrationResponseJSON for creation options. `wrong` names parts to get wrong: see `_client_data` and `_data`."""
        client_data = self._client_data("webauthn.create", options["challenge"], wrong)
        attested = wrong.get("aaguid", bytes(16)) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(wrong, ATTESTED) + attested + wrong.get("cose", cbor2.dumps(self.key.cose()))
        statement: dict[str, Any] = {}
        if packed:
            statement = {"alg": self.key.algorithm, "sig": wrong.get("signature", self._sign(data, client_data))}
        parts = {"fmt": "packed" if packed else "none", "attStmt": statement, "authData": data} | wrong.get("attestation", {})
        response = {
            "clientDataJSON": base64url(client_data),
            "attestationObject": base64url(cbor2.dumps(parts)),
            "transports": ["internal"],
            "publicKeyAlgorithm": self.key.algorithm,
        }
        return self._credential(response) | wrong.get("credential", {})

    def get(self, options: Mapping[str, Any], *, user_handle: str | None = None, **wrong: Any) -> dict[str, Any]:
        """An AuthenticationResponseJSON for request options."""
        client_data = self._client_data("webauthn.get", options["challenge"], wrong)
        data = self._data(wrong)
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(data),
            "signature": base64url(wrong.get("signature", self._sign(data, client_data))),
            "userHandle": user_handle,
        }
        return self._credential(response) | wrong.get("credential", {})

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "rawId": self.id,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
        }

    def _client_data(self, kind: str, challenge: str, wrong: Mapping[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        } | wrong.get("client_data", {})
        return json.dumps(said).encode()

    def _data(self, wrong: Mapping[str, Any], flags: int = 0) -> bytes:
        if self.counts:
            self.sign_count += 1
        rp_id = wrong.get("rp_id", host_of(self.origin))
        flags |= wrong.get("flags", USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + wrong.get("sign_count", self.sign_count).to_bytes(4, "big")

    def _sign(self, data: bytes, client_data: bytes) -> bytes:
        return self.key.sign(data + hashlib.sha256(client_data).digest())
