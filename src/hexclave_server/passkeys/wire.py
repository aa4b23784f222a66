"""What requests and answers about passkeys look like (contract 02 §5): the JSON forms of WebAuthn L3.

Browsers' responses are taken as any JSON and decoded with the ceremony: what is wrong with them is one error, and no schema's business.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hexclave_server.core.constraints import FreeJson
from hexclave_server.core.schema import Body, Wire
from hexclave_server.verification_codes.wire import OneTimeCode

PLACEHOLDER_RP_ID = "THIS_VALUE_WILL_BE_REPLACED.example.com"
"""In place of the host of the page, which only the page's script knows."""
TIMEOUT_MILLIS = 60_000


class RelyingParty(Wire):
    """Who the passkey is for."""

    name: str
    id: str = PLACEHOLDER_RP_ID


class PasskeyOwner(Wire):
    """Whose the passkey will be; `id` is base64url."""

    id: str
    name: str
    display_name: str = msgspec.field(name="displayName")


class KeyParameters(Wire):
    """A kind of key that the server understands; `alg` is COSE's number."""

    alg: int
    type: Literal["public-key"] = "public-key"


class AuthenticatorSelection(Wire):
    """Which authenticators may be used."""

    resident_key: Literal["required"] = msgspec.field(default="required", name="residentKey")
    require_resident_key: Literal[True] = msgspec.field(default=True, name="requireResidentKey")
    user_verification: Literal["preferred"] = msgspec.field(default="preferred", name="userVerification")


class Extensions(Wire):
    """What the browser is asked to tell besides."""

    cred_props: Literal[True] = msgspec.field(default=True, name="credProps")


class CreationOptions(Wire):
    """PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 §5.1.9)."""

    rp: RelyingParty
    user: PasskeyOwner
    challenge: str
    pub_key_cred_params: list[KeyParameters] = msgspec.field(name="pubKeyCredParams")
    timeout: int = TIMEOUT_MILLIS
    attestation: Literal["none"] = "none"
    exclude_credentials: list[str] = msgspec.field(default_factory=list, name="excludeCredentials")
    authenticator_selection: AuthenticatorSelection = msgspec.field(default_factory=AuthenticatorSelection, name="authenticatorSelection")
    extensions: Extensions = msgspec.field(default_factory=Extensions)


class RequestOptions(Wire):
    """PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 §5.1.10)."""

    challenge: str
    rp_id: str = msgspec.field(default=PLACEHOLDER_RP_ID, name="rpId")
    allow_credentials: list[str] = msgspec.field(default_factory=list, name="allowCredentials")
    timeout: int = TIMEOUT_MILLIS
    user_verification: Literal["preferred"] = msgspec.field(default="preferred", name="userVerification")


class RegistrationStart(Wire):
    """Options for the browser, and the code that comes back with what it makes."""

    code: str
    options_json: CreationOptions


class SignInStart(Wire):
    """Options for the browser, and the code that comes back with what it signs."""

    code: str
    options_json: RequestOptions


class PasskeyRegistration(Body):
    """A RegistrationResponseJSON (WebAuthn L3 §5.1) that answers the challenge of the code."""

    credential: FreeJson
    code: OneTimeCode


class PasskeySignIn(Body):
    """An AuthenticationResponseJSON (WebAuthn L3 §5.1) that answers the challenge of the code."""

    authentication_response: FreeJson
    code: OneTimeCode


class RegisteredPasskey(Wire):
    """The credential id of the new passkey, base64url."""

    user_handle: str
