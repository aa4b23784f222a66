"""Projects and keys in the memory of the process: what every request asks for first (DESIGN 4.2).

When the database says that something cached changed, projects are compared with what is stored and keys are dropped; while it cannot be
asked nothing is served. A change of one project costs the others two small reads, not a new rendering of their configuration.
Absence is never cached: a project or key that was just made must work at once, on whichever node.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from hexclave_server.config import service as configs
from hexclave_server.core import clock
from hexclave_server.core.context import INTERNAL_PROJECT_ID, MAIN_BRANCH, KeyKind, Project, Tenancy
from hexclave_server.core.crypto import Keyring, hash_secret
from hexclave_server.core.db import Connection, Database
from hexclave_server.projects import queries
from hexclave_server.projects.queries import TenancyRow
from hexclave_server.teams import service as teams
from hexclave_server.users import token_subject

MAX_CACHED_PROJECTS = 1_000
MAX_CACHED_KEYS = 10_000


class _Known(msgspec.Struct, frozen=True):
    """A project as of one generation of the database, with the stored values that it was made of."""

    generation: int
    row: TenancyRow
    overrides: configs.StoredOverrides
    project: Project


class ProjectDirectory:
    """The `Directory` of access resolution, over the database."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._generation: int | None = None
        self._projects: OrderedDict[str, _Known] = OrderedDict()
        self._keys: OrderedDict[tuple[str, KeyKind, str], int] = OrderedDict()

    async def find_project(self, project_id: str) -> Project | None:
        """The project with this id (lower case) on its main branch; None when there is none."""
        generation = self._synchronise()
        known = self._projects.get(project_id)
        if known is not None and known.generation == generation:
            self._projects.move_to_end(project_id)
            return known.project
        current = await self._load(project_id, generation, known)
        if current is None:
            self._projects.pop(project_id, None)
            return None
        if generation is not None:
            self._projects[project_id] = current
            if len(self._projects) > MAX_CACHED_PROJECTS:
                self._projects.popitem(last=False)
        return current.project

    async def _load(self, project_id: str, generation: int | None, former: _Known | None) -> _Known | None:
        row = await self._database.first(TenancyRow, queries.FIND_TENANCY, project_id=project_id, branch_id=MAIN_BRANCH)
        if row is None:
            return None
        overrides = await configs.read_overrides(self._database, Tenancy(row.tenancy_id, row.project_id, row.branch_id))
        if former is not None and former.row == row and former.overrides == overrides:
            project = former.project
        else:
            project = _project(self._keyring, row, overrides)
        return _Known(-1 if generation is None else generation, row, overrides, project)

    async def key_is_valid(self, project: Project, kind: KeyKind, key: str) -> bool:
        """Whether the key is of this kind and project, not revoked and not expired."""
        generation = self._synchronise()
        now = clock.now_millis()
        wanted = (project.id, kind, hash_secret(key))
        expires_at: int | None = self._keys.get(wanted)
        if expires_at is None:
            find = queries.FIND_KEY[kind.value]
            expires_at = await self._database.value(find, tenancy_id=project.tenancy.id, key_hash=wanted[2], now=now)
            if expires_at is not None and generation is not None and generation == self._generation:
                self._keys[wanted] = expires_at
                if len(self._keys) > MAX_CACHED_KEYS:
                    self._keys.popitem(last=False)
        return expires_at is not None and expires_at > now

    async def user_exists(self, tenancy: Tenancy, user_id: str) -> bool:
        """Whether the user is (still) there; never cached, so that a deleted user is gone at once."""
        return await token_subject.user_exists(self._database, tenancy, user_id)

    async def manages(self, internal_user_id: str, project: Project) -> bool:
        """Whether this user of `internal` is a member of the team that owns the project; never cached."""
        internal = await self.find_project(INTERNAL_PROJECT_ID)
        if internal is None or project.owner_team_id is None:
            return False
        return await teams.is_member(self._database, internal.tenancy, project.owner_team_id, internal_user_id)

    def _synchronise(self) -> int | None:
        """Drops keys that may be out of date; the generation that now holds, None when nothing may be served from memory."""
        generation = self._database.generation()
        fresh = self._database.generation_is_fresh()
        if generation != self._generation or not fresh:
            self._keys.clear()
            self._generation = generation
        return generation if fresh else None


async def load_project(conn: Connection, keyring: Keyring, project_id: str) -> Project | None:
    """The project with its rendered configuration, from the database."""
    row = await conn.first(TenancyRow, queries.FIND_TENANCY, project_id=project_id, branch_id=MAIN_BRANCH)
    if row is None:
        return None
    return _project(keyring, row, await configs.read_overrides(conn, Tenancy(row.tenancy_id, row.project_id, row.branch_id)))


def _project(keyring: Keyring, row: TenancyRow, overrides: configs.StoredOverrides) -> Project:
    tenancy = Tenancy(row.tenancy_id, row.project_id, row.branch_id)
    return Project(tenancy, row.display_name, row.owner_team_id, configs.render_stored(keyring, tenancy, overrides))
