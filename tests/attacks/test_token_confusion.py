"""B10: whatever is wrong with an access token, the answer over HTTP is a known 401; keys and algorithm are never the token's choice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hexclave_server.core.jws import encode_segment
from hexclave_server.core.tokens import SigningKey, UserType
from tests.attacks.inside import opened
from tests.server import DatabaseKind, RunningServer, running_server
from tests.sessions.tokens import claims_of, header_of, key_set, known_error

LOWER_HALF = 2**254


class Forge:
    """A genuine user and token of one project, its stolen signing keys, and a second project."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.project, self.other = server.new_project(), server.new_project()
        self.user = self.project.sign_up()
        self.token: str = self.user["access_token"]
        self.claims = claims_of(self.token)
        self.header = header_of(self.token)
        self.keys = {kind: self._steal(kind) for kind in ("normal", "restricted", "anonymous")}

    def _steal(self, user_type: UserType) -> SigningKey:
        async def steal() -> SigningKey:
            async with opened(self.server) as inside:
                return await inside.signing_key(self.project.id, user_type)

        return anyio.run(steal)

    def send(self, token: str, **headers: str) -> httpx.Response:
        with self.project.http("client", **headers) as client:
            return client.get("/users/me", headers=[(b"x-stack-access-token", token.encode("latin-1"))])

    def signed(
        self, header: bytes | dict[str, Any] | None = None, payload: bytes | None = None, kind: str = "normal", **claims: Any
    ) -> str:
        """A token with a good signature of a stolen key over any header and claims; `...` removes a claim."""
        merged = {name: value for name, value in {**self.claims, **claims}.items() if value is not ...}
        head = header if isinstance(header, bytes) else json.dumps(header or {**self.header, "kid": self.keys[kind].kid}).encode()
        body = f"{encode_segment(head)}.{encode_segment(payload or json.dumps(merged).encode())}"
        private = serialization.load_der_private_key(self.keys[kind].to_der(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        while True:
            r, s = decode_dss_signature(private.sign(body.encode(), ec.ECDSA(SHA256())))
            if s < LOWER_HALF:
                return f"{body}.{encode_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@pytest.fixture(scope="module")
def forge(database: DatabaseKind) -> Iterator[Forge]:
    with running_server(database) as server:
        yield Forge(server)


def refused(answer: httpx.Response, code: str = "UNPARSABLE_ACCESS_TOKEN") -> None:
    assert (answer.status_code, known_error(answer)) == (401, code), answer.text


def test_the_forge_makes_tokens_that_pass(forge: Forge) -> None:
    assert forge.send(forge.token).status_code == 200
    assert forge.send(forge.signed()).status_code == 200
    assert forge.send(forge.signed(header={**forge.header, "typ": "JWT"})).status_code == 200


def with_public_key_as_secret(forge: Forge, algorithm: str, digest: str) -> list[str]:
    """The classic: the public key, in every form an attacker has it, as the secret of an HMAC."""
    key = key_set(forge.server, forge.project.id)[0]
    numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(base64.urlsafe_b64decode(key[c] + "=="), "big") for c in "xy"), ec.SECP256R1())
    public = numbers.public_key()
    secrets = [
        json.dumps(key).encode(),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        b"",
    ]
    head = encode_segment(json.dumps({**forge.header, "alg": algorithm}).encode())
    body = f"{head}.{forge.token.split('.')[1]}"
    return [f"{body}.{encode_segment(hmac.digest(secret, body.encode(), digest))}" for secret in secrets]


@pytest.mark.parametrize(("algorithm", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512"), ("ES256", "sha256")])
def test_the_public_key_is_no_secret(forge: Forge, algorithm: str, digest: str) -> None:
    for token in with_public_key_as_secret(forge, algorithm, digest):
        refused(forge.send(token))


ALGORITHMS = ["none", "None", "NONE", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "es256", "", None, 1, ["ES256"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_there_is_one_algorithm(forge: Forge, algorithm: Any) -> None:
    refused(forge.send(forge.signed(header={**forge.header, "alg": algorithm})))
    head = encode_segment(json.dumps({**forge.header, "alg": algorithm}).encode())
    refused(forge.send(f"{head}.{forge.token.split('.')[1]}."))


def other_key() -> tuple[SigningKey, dict[str, Any]]:
    key = SigningKey.generate()
    jwk = key.public_jwk
    return key, {"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y, "kid": jwk.kid, "alg": jwk.alg}


@pytest.mark.parametrize(
    "more",
    [
        {"jwk": "{key}"},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "at+jwt"},
        {"typ": "jwt"},
        {"typ": None},
        {"anything": True},
    ],
)
def test_no_header_asks_to_be_believed(forge: Forge, more: dict[str, Any]) -> None:
    if more.get("jwk"):
        more = {"jwk": other_key()[1]}
    refused(forge.send(forge.signed(header={**forge.header, **more})))


@pytest.mark.parametrize("kid", [None, 1, "", "../../etc/passwd", "' OR '1'='1", "0" * 12, "\0" * 12, ["x"], {"x": 1}])
def test_a_key_id_is_one_of_the_audience_or_nothing(forge: Forge, kid: Any) -> None:
    refused(forge.send(forge.signed(header={**forge.header, "kid": kid})))


def test_a_key_of_another_user_type_or_project_is_no_key(forge: Forge) -> None:
    for kind in ("restricted", "anonymous"):
        refused(forge.send(forge.signed(kind=kind)))
    refused(forge.send(forge.signed(kind="anonymous", aud=f"{forge.project.id}:restricted")))
    refused(forge.send(forge.signed(aud=forge.other.id, project_id=forge.other.id)))
    refused(forge.send(forge.signed(aud="internal", project_id="internal")))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ...},
        {"aud": None},
        {"aud": ["{project}"]},
        {"aud": ["{project}", "other"]},
        {"aud": "{project}:other"},
        {"aud": "{project} "},
        {"aud": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"},
        {"iss": ...},
        {"iss": "https://evil.example/api/v1/projects/{project}"},
        {"iss": "{iss}/"},
        {"iss": None},
        {"branch_id": "other"},
        {"project_id": "internal"},
        {"role": "admin"},
        {"is_anonymous": True},
        {"is_restricted": True, "restricted_reason": {"type": "anonymous"}},
        {"restricted_reason": {"type": "email_not_verified"}},
        {"exp": ...},
        {"exp": "4102444800"},
        {"exp": 4102444800.5},
        {"exp": None},
        {"nbf": 4102444800},
        {"iat": 4102444800, "exp": 4102448400},
        {"sub": ...},
        {"sub": None},
        {"sub": ["x"]},
        {"refresh_token_id": ...},
    ],
)
def test_claims_that_contradict_the_audience_or_each_other(forge: Forge, claims: dict[str, Any]) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.replace("{project}", forge.project.id).replace("{iss}", forge.claims["iss"]) if isinstance(value, str) else value

    refused(forge.send(forge.signed(**{name: filled(value) for name, value in claims.items()})))


@pytest.mark.parametrize("repeated", [b'"sub":"7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11",', b'"exp":4102444800,', b'"aud":"internal",'])
def test_a_repeated_claim_is_refused(forge: Forge, repeated: bytes) -> None:
    payload = json.dumps(forge.claims).encode()
    refused(forge.send(forge.signed(payload=b"{" + repeated + payload[1:])))
    header = json.dumps(forge.header).encode()
    refused(forge.send(forge.signed(header=b'{"alg":"none",' + header[1:])))


def test_the_signature_must_be_spelt_in_one_way(forge: Forge) -> None:
    head, body, signature = forge.token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    high_s = (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    altered = [
        "",
        signature[:-1],
        signature + "A",
        signature + "=",
        encode_segment(raw + b"\0"),
        encode_segment(b"\0" * 64),
        encode_segment(raw[:32] + high_s),
        encode_segment(hashlib.sha512(raw).digest()),
    ]
    for changed in altered:
        refused(forge.send(f"{head}.{body}.{changed}"))
    for changed in (f"{head}.{body}", f"{head}.{body}.{signature}.{signature}", f"{head}..{signature}", "..", ".", "x", "null"):
        refused(forge.send(changed))


@pytest.mark.parametrize("size", [8_193, 50_000])
def test_a_huge_token_is_refused(forge: Forge, size: int) -> None:
    refused(forge.send("e" * size))


def test_a_token_of_a_megabyte_never_reaches_the_server(forge: Forge) -> None:
    try:
        answer = forge.send("e" * 1_000_000)
    except httpx.TransportError:
        return
    assert 400 <= answer.status_code < 500


def test_a_token_of_one_project_opens_no_other(forge: Forge) -> None:
    with forge.other.http("client", forge.token) as client:
        answer = client.get("/users/me")
    refused(answer, "INVALID_PROJECT_FOR_ACCESS_TOKEN")
    assert answer.json()["details"] == {"expected_project_id": forge.other.id, "actual_project_id": forge.project.id}


def test_the_token_of_an_end_user_is_no_admin_token(forge: Forge) -> None:
    headers = {"x-stack-access-type": "admin", "x-stack-project-id": forge.project.id, "x-stack-admin-access-token": forge.token}
    with forge.server.http(headers) as client:
        assert known_error(client.get("/internal/projects/current")) == "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN"


def test_expired_comes_before_wrong_project_and_after_bad_signature(forge: Forge) -> None:
    past: dict[str, Any] = {"iat": 1_600_000_000, "exp": 1_600_000_600}
    refused(forge.send(forge.signed(**past)), "ACCESS_TOKEN_EXPIRED")
    with forge.other.http("client", forge.signed(**past)) as client:
        refused(client.get("/users/me"), "ACCESS_TOKEN_EXPIRED")
    refused(forge.send(forge.signed(**past)[:-4] + "AAAA"))


@pytest.mark.parametrize(
    ("fields", "code", "status", "allowed_by"),
    [
        ({"is_anonymous": True}, "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED", 401, ["anonymous"]),
        ({"restricted_by_admin": True}, "RESTRICTED_USER_NOT_ALLOWED", 403, ["anonymous", "restricted"]),
    ],
)
def test_anonymous_and_restricted_tokens_need_their_header(
    forge: Forge, fields: dict[str, bool], code: str, status: int, allowed_by: list[str]
) -> None:
    user = forge.project.create_user(**fields)
    with forge.project.http("server") as client:
        token = client.post("/auth/sessions", json={"user_id": user["id"]}).json()["access_token"]
    for header in ("anonymous", "restricted"):
        with forge.project.http("client", token, **{f"x-stack-allow-{header}-user": "true"}) as client:
            answer = client.get("/users/me")
        assert (answer.status_code == 200) is (header in allowed_by)
        with forge.project.http("client", token, **{f"x-stack-allow-{header}-user": "false"}) as client:
            answer = client.get("/users/me")
        assert (answer.status_code, known_error(answer)) == (status, code)


@pytest.mark.parametrize(
    "method_path",
    [
        "POST /auth/password/sign-in",
        "POST /auth/sessions/current/refresh",
        "DELETE /auth/sessions/current",
        "GET /users/me",
        "GET /nothing-here",
    ],
)
def test_every_endpoint_checks_the_token_that_is_sent(forge: Forge, method_path: str) -> None:
    method, path = method_path.split(" ")
    with forge.project.http("client", forge.token[:-4] + "AAAA") as client:
        answer = client.request(
            method, path, headers={"x-stack-refresh-token": forge.user["refresh_token"]}, json={} if method == "POST" else None
        )
    refused(answer)
