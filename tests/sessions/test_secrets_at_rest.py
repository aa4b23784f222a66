"""What of a sign-in lies in the database: hashes of refresh tokens and attempt codes, never the secrets themselves."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, select

from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Query, metadata
from hexclave_server.verification_codes.service import CodeKind, hash_code, hash_nonce
from tests.attacks.inside import opened
from tests.passwords.calls import TOTP_SECRET, sign_in
from tests.server import Project, RunningServer
from tests.sessions.tokens import claims_of

codes = metadata.tables["verification_codes"]
sessions = metadata.tables["sessions"]


class Code(msgspec.Struct):
    kind: str
    nonce_hash: str
    code_hash: str
    payload: str
    attempts: int
    lifetime: int
    used_at: int | None


CODES_OF_USER = Query(
    select(
        codes.c.kind,
        codes.c.nonce_hash,
        codes.c.code_hash,
        codes.c.payload,
        codes.c.attempts,
        (codes.c.expires_at - codes.c.created_at).label("lifetime"),
        codes.c.used_at,
    ).where(codes.c.tenancy_id == bindparam("tenancy_id"), codes.c.user_id == bindparam("user_id"))
)
HASH_OF_SESSION = Query(select(sessions.c.refresh_token_hash).where(sessions.c.id == bindparam("session_id")))


async def test_an_attempt_code_is_kept_as_two_keyed_hashes_for_five_minutes(server: RunningServer, project: Project) -> None:
    user = project.sign_up()
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"totp_secret_base64": TOTP_SECRET})
    code = sign_in(project, user["email"]).json()["details"]["attempt_code"]
    async with opened(server) as inside:
        tenancy = await inside.tenancy(project.id)
        (row,) = await inside.database.all(Code, CODES_OF_USER, tenancy_id=tenancy.id, user_id=user["user_id"])
        keyring = inside.keyring
    assert row == Code(
        kind="mfa-attempt",
        nonce_hash=hash_nonce(keyring, CodeKind.MFA_ATTEMPT, code.upper()),
        code_hash=hash_code(keyring, CodeKind.MFA_ATTEMPT, code.upper()),
        payload='{"is_new_user":false}',
        attempts=0,
        lifetime=300_000,
        used_at=None,
    )
    assert row.nonce_hash == hash_nonce(keyring, CodeKind.MFA_ATTEMPT, "000000" + code[6:])
    assert row.code_hash != hash_code(keyring, CodeKind.MFA_ATTEMPT, "000000" + code[6:])


async def test_a_refresh_token_is_kept_as_its_hash(server: RunningServer, project: Project) -> None:
    user = project.sign_up()
    async with opened(server) as inside:
        stored = await inside.database.value(HASH_OF_SESSION, session_id=claims_of(user["access_token"])["refresh_token_id"])
    assert stored == hash_secret(user["refresh_token"])
