"""The keys that sign access tokens: made with the project, read through a cache, rotated (contract 01 §1.1).

The cache follows `Database.generation`. While the database is away it serves what it has: a key set is public and changes twice a year,
and an access token that cannot be verified would sign everyone out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Directory, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, Database, DatabaseUnavailable, bump_generation
from hexclave_server.core.jws import PublicJwk
from hexclave_server.core.tokens import USER_TYPES, SigningKey, TenancyOfToken, UserType, VerificationKey
from hexclave_server.sessions import key_queries as queries
from hexclave_server.sessions import key_schedule as schedule
from hexclave_server.sessions.key_queries import SigningKeyRow
from hexclave_server.sessions.key_schedule import KeyRole, KeyTimes, Rotation, RotationRefused

PURPOSE = "signing-key"
MAX_CACHED_PROJECTS = 1_000


class _Key:
    """A stored key and what is made of it, each made once."""

    __slots__ = ("_signer", "jwk", "row", "times", "verifier")

    def __init__(self, row: SigningKeyRow) -> None:
        self.row = row
        self.times = _times(row)
        self.jwk = msgspec.json.decode(row.public_jwk, type=PublicJwk)
        self.verifier = VerificationKey.from_jwk(self.jwk)
        self._signer: SigningKey | None = None

    def signer(self, keyring: Keyring, tenancy_id: str) -> SigningKey:
        if self._signer is None:
            der = keyring.decrypt(self.row.private_key, purpose=PURPOSE, tenancy_id=tenancy_id, row_id=self.row.id)
            self._signer = SigningKey.from_der(der)
        return self._signer


class _KeysOfProject:
    """The keys of one project as of one generation of the database."""

    __slots__ = ("by_id", "by_user_type", "generation", "tenancy_id")

    def __init__(self, generation: int, tenancy_id: str, keys: list[_Key]) -> None:
        self.generation = generation
        self.tenancy_id = tenancy_id
        self.by_id = {key.row.id: key for key in keys}
        self.by_user_type: dict[str, list[KeyTimes]] = {kind: [k.times for k in keys if k.row.user_type == kind] for kind in USER_TYPES}


class SigningKeys:
    """The `KeySource` of access tokens."""

    def __init__(self, database: Database, keyring: Keyring, directory: Directory) -> None:
        self._database = database
        self._keyring = keyring
        self._directory = directory
        self._cached: OrderedDict[str, _KeysOfProject] = OrderedDict()

    async def signing_key(self, tenancy: TenancyOfToken, user_type: UserType) -> SigningKey:
        """The key that signs for this audience now. Raises LookupError for an unknown project."""
        found = await self._keys_of(tenancy.project_id)
        if found is None:
            msg = f"project {tenancy.project_id} has no signing keys"
            raise LookupError(msg)
        key = found.by_id[schedule.signing(found.by_user_type[user_type], clock.now_millis()).id]
        return key.signer(self._keyring, found.tenancy_id)

    async def verification_keys(self, project_id: str, user_type: UserType) -> Sequence[VerificationKey] | None:
        """The keys whose tokens of this audience are good now; None for an unknown project."""
        found = await self._keys_of(project_id)
        if found is None:
            return None
        return [found.by_id[times.id].verifier for times in schedule.verifying(found.by_user_type[user_type], clock.now_millis())]

    async def key_set(self, project_id: str, user_types: Sequence[UserType]) -> list[PublicJwk] | None:
        """The published keys of these audiences, two of each, the signing one first; None for an unknown project."""
        found = await self._keys_of(project_id)
        if found is None:
            return None
        now = clock.now_millis()
        return [found.by_id[times.id].jwk for kind in user_types for times in schedule.published(found.by_user_type[kind], now)]

    async def _keys_of(self, project_id: str) -> _KeysOfProject | None:
        cached = self._cached.get(project_id)
        generation = self._database.generation()
        if cached is not None and cached.generation == generation:
            self._cached.move_to_end(project_id)
            return cached
        try:
            project = await self._directory.find_project(project_id)
            rows = [] if project is None else await self._database.all(SigningKeyRow, queries.LIST, tenancy_id=project.tenancy.id)
        except DatabaseUnavailable:
            if cached is None:
                raise
            return cached
        if project is None:
            self._cached.pop(project_id, None)
            return None
        return self._remember(project.tenancy, generation, rows, cached)

    def _remember(self, tenancy: Tenancy, generation: int, rows: list[SigningKeyRow], former: _KeysOfProject | None) -> _KeysOfProject:
        known = former.by_id if former is not None and former.tenancy_id == tenancy.id else {}
        keys = [known[row.id] if row.id in known and known[row.id].row == row else _Key(row) for row in rows]
        found = self._cached[tenancy.project_id] = _KeysOfProject(generation, tenancy.id, keys)
        if len(self._cached) > MAX_CACHED_PROJECTS:
            self._cached.popitem(last=False)
        return found


async def create_signing_keys(conn: Connection, keyring: Keyring, tenancy: Tenancy) -> None:
    """Makes the six keys of a new project, two for each user type. Part of the transaction that creates the project."""
    now = clock.now_millis()
    for user_type in USER_TYPES:
        await _create_key(conn, keyring, tenancy, user_type, KeyRole.CURRENT, now)
        await _create_key(conn, keyring, tenancy, user_type, KeyRole.NEXT, now)


async def rotate_signing_keys(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, *, token_lifetime_seconds: int, at_once: bool = False
) -> None:
    """Lets the next keys of all audiences take over and makes fresh next ones. Part of the caller's transaction.

    `at_once` (a key is compromised) ends the keys so far and their access tokens; refresh tokens are never touched.
    Raises RotationRefused while former keys are still in use.
    """
    now = clock.now_millis()
    rows = await conn.all(SigningKeyRow, queries.LIST, tenancy_id=tenancy.id)
    for user_type in USER_TYPES:
        times = [_times(row) for row in rows if row.user_type == user_type]
        plan = schedule.plan_rotation(times, now, token_lifetime=token_lifetime_seconds * 1000, at_once=at_once)
        await _apply(conn, tenancy, plan, {key.id: key.role for key in times})
        await _create_key(conn, keyring, tenancy, user_type, KeyRole.NEXT, now)
    await bump_generation(conn)


async def _apply(conn: Connection, tenancy: Tenancy, plan: Rotation, roles: dict[str, KeyRole]) -> None:
    """Raises RotationRefused when another rotation was faster: the keys no longer have the roles that the plan was made for."""
    changed = 0
    for key_id in plan.removed:
        changed += await conn.execute(queries.REMOVE, tenancy_id=tenancy.id, key_id=key_id, former_role=roles[key_id].value)
    if plan.becomes_former is not None:
        changed += await conn.execute(
            queries.BECOME_FORMER,
            tenancy_id=tenancy.id,
            key_id=plan.becomes_former,
            former_role=KeyRole.CURRENT.value,
            role=KeyRole.FORMER.value,
            retires_at=plan.retires_at,
        )
    changed += await conn.execute(
        queries.BECOME_CURRENT,
        tenancy_id=tenancy.id,
        key_id=plan.becomes_current,
        former_role=KeyRole.NEXT.value,
        role=KeyRole.CURRENT.value,
        signs_from=plan.signs_from,
    )
    if changed != len(plan.removed) + (plan.becomes_former is not None) + 1:
        raise RotationRefused(plan.retires_at)


async def _create_key(conn: Connection, keyring: Keyring, tenancy: Tenancy, user_type: UserType, role: KeyRole, now: int) -> None:
    key = SigningKey.generate()
    key_id = randomness.new_uuid()
    await conn.execute(
        queries.CREATE,
        tenancy_id=tenancy.id,
        key_id=key_id,
        user_type=user_type,
        role=role.value,
        kid=key.kid,
        public_jwk=msgspec.json.encode(key.public_jwk).decode(),
        private_key=keyring.encrypt(key.to_der(), purpose=PURPOSE, tenancy_id=tenancy.id, row_id=key_id),
        now=now,
        signs_from=now if role is KeyRole.CURRENT else None,
    )


def _times(row: SigningKeyRow) -> KeyTimes:
    return KeyTimes(row.id, KeyRole(row.role), row.created_at, row.signs_from, row.retires_at)


__all__ = ["RotationRefused", "SigningKeys", "create_signing_keys", "rotate_signing_keys"]
