"""Secrets at rest: everything derived from the master secret, and the hash of secrets that need no key.

One key per purpose (HKDF-SHA256), so that a ciphertext or code of one purpose means nothing to another. A ciphertext is bound to its
purpose, tenancy and row by the associated data, so that it cannot be moved to another row. It begins with a format version and the id
of its master key: that makes it possible to rotate the master secret row by row, with former secrets still able to decrypt.
"""

import base64
import binascii
import hashlib
import hmac as hmac_module
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hexclave_server.core import randomness

MASTER_SECRET_MIN_BYTES = 32
_FORMAT = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SALT = b"hexclave master secret v1"


class DecryptionFailed(Exception):
    """The text is no ciphertext of this keyring for this purpose, tenancy and row: altered, moved, or of an unknown master secret."""


def hash_secret(text: str) -> str:
    """SHA-256 in hex of a secret of high entropy (refresh token, project key); never for passwords or short codes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Keyring:
    """Encrypts, decrypts and authenticates with keys derived from the current master secret; decrypts with former ones, too."""

    __slots__ = ("_current", "_keys")

    def __init__(self, current: "_MasterKey", former: Iterable["_MasterKey"] = ()) -> None:
        self._current = current
        self._keys = {key.id: key for key in (*former, current)}

    @classmethod
    def from_master(cls, secret: bytes, former: Iterable[bytes] = ()) -> "Keyring":
        """Derive everything from `secret` (at least 32 random bytes, else ValueError); `former` secrets only decrypt."""
        return cls(_MasterKey(secret), [_MasterKey(old) for old in former])

    def __repr__(self) -> str:
        return f"<Keyring {self._current.id.hex()}, {len(self._keys) - 1} former>"

    def encrypt(self, plaintext: bytes, *, purpose: str, tenancy_id: str, row_id: str) -> str:
        """AES-256-GCM under the purpose's key; base64url text of format version, master key id, nonce and ciphertext."""
        head = _FORMAT + self._current.id
        nonce = randomness.token_bytes(_NONCE_BYTES)
        sealed = self._current.cipher(purpose).encrypt(nonce, plaintext, _associated(head, purpose, tenancy_id, row_id))
        return _to_text(head + nonce + sealed)

    def decrypt(self, text: str, *, purpose: str, tenancy_id: str, row_id: str) -> bytes:
        """The plaintext of `encrypt` with the same purpose, tenancy and row; raises DecryptionFailed."""
        data, key = self._parse(text)
        split = 1 + _KEY_ID_BYTES
        head, nonce, sealed = data[:split], data[split : split + _NONCE_BYTES], data[split + _NONCE_BYTES :]
        try:
            return key.cipher(purpose).decrypt(nonce, sealed, _associated(head, purpose, tenancy_id, row_id))
        except InvalidTag:
            raise DecryptionFailed("altered, or of another purpose or row") from None

    def is_current(self, text: str) -> bool:
        """Whether a ciphertext was made with the current master secret; raises DecryptionFailed when it is none of ours."""
        return self._parse(text)[1] is self._current

    def hmac(self, purpose: str, data: str | bytes) -> str:
        """HMAC-SHA-256 in hex under the purpose's key of the current master secret (one-time codes, throttle keys)."""
        message = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        return hmac_module.digest(self._current.hmac_key(purpose), message, "sha256").hex()

    def check_value(self) -> str:
        """What a database keeps to recognise the master secret it was made with; reveals nothing about it."""
        return self._current.check_value

    def _parse(self, text: str) -> "tuple[bytes, _MasterKey]":
        data = _from_text(text)
        if len(data) < 1 + _KEY_ID_BYTES + _NONCE_BYTES + _TAG_BYTES or data[:1] != _FORMAT:
            raise DecryptionFailed("not a ciphertext of a known format")
        key = self._keys.get(data[1 : 1 + _KEY_ID_BYTES])
        if key is None:
            raise DecryptionFailed("made with an unknown master secret")
        return data, key


class _MasterKey:
    """One master secret and the keys derived from it, each derived once."""

    __slots__ = ("_ciphers", "_hmac_keys", "_secret", "check_value", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MASTER_SECRET_MIN_BYTES:
            raise ValueError(f"a master secret has at least {MASTER_SECRET_MIN_BYTES} bytes")
        self._secret = secret
        self._ciphers: dict[str, AESGCM] = {}
        self._hmac_keys: dict[str, bytes] = {}
        self.id = self._derive("key id", "", _KEY_ID_BYTES)
        self.check_value = self._derive("check value", "", 16).hex()

    def cipher(self, purpose: str) -> AESGCM:
        if (cipher := self._ciphers.get(purpose)) is None:
            cipher = self._ciphers[purpose] = AESGCM(self._derive("encrypt", purpose, 32))
        return cipher

    def hmac_key(self, purpose: str) -> bytes:
        if (key := self._hmac_keys.get(purpose)) is None:
            key = self._hmac_keys[purpose] = self._derive("hmac", purpose, 32)
        return key

    def _derive(self, use: str, purpose: str, length: int) -> bytes:
        info = _length_prefixed(use.encode(), purpose.encode())
        return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=info).derive(self._secret)


def _associated(head: bytes, purpose: str, tenancy_id: str, row_id: str) -> bytes:
    return _length_prefixed(head, purpose.encode(), tenancy_id.encode(), row_id.encode())


def _length_prefixed(*parts: bytes) -> bytes:
    """Join so that no two different lists give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise DecryptionFailed("not base64url") from None
    if _to_text(data) != text:  # the decoder skips foreign characters and spare bits
        raise DecryptionFailed("not base64url")
    return data
