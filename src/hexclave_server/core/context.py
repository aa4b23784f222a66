"""What a request carries from the edge to the services: who calls, for which tenancy, with which parts of the server.

`Caller` is resolved once (core/access.py) and never changes; `Call` is the one argument that every handler takes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from hexclave_server.core.client_address import EndUser, find_end_user

if TYPE_CHECKING:
    from hexclave_server.core.crypto import Keyring
    from hexclave_server.core.db import Database
    from hexclave_server.core.geoip import Locations
    from hexclave_server.core.http import Request
    from hexclave_server.core.limits import TrafficLimiter
    from hexclave_server.core.outbox import Outbox
    from hexclave_server.core.outgoing import OutgoingClient
    from hexclave_server.core.passwords import PasswordHasher
    from hexclave_server.core.throttles import Throttles
    from hexclave_server.core.tokens import AccessTokenClaims, KeySource, TokenIssuer, TokenVerifier
    from hexclave_server.settings import Settings

MAIN_BRANCH = "main"
INTERNAL_PROJECT_ID = "internal"


class Access(enum.IntEnum):
    """How much a request may do; each level includes the ones below (contract 00, access type)."""

    PUBLIC = 0
    CLIENT = 1
    SERVER = 2
    ADMIN = 3

    @property
    def wire(self) -> str:
        """The value of the access-type header: `client`, `server` or `admin`."""
        return self.name.lower()

    @property
    def and_higher(self) -> list[str]:
        """The access types that satisfy this level, as on the wire, lowest first."""
        return [level.wire for level in Access if level >= self and level is not Access.PUBLIC]


class KeyKind(enum.StrEnum):
    """The three keys that a key set of a project may hold."""

    PUBLISHABLE_CLIENT = "publishable_client_key"
    SECRET_SERVER = "secret_server_key"  # noqa: S105 - the name of a kind of key
    SUPER_SECRET_ADMIN = "super_secret_admin_key"  # noqa: S105 - the name of a kind of key


class Tenancy(msgspec.Struct, frozen=True):
    """One branch of one project: the scope of every tenant row."""

    id: str
    project_id: str
    branch_id: str


class Project(msgspec.Struct, frozen=True):
    """A project as requests see it, with its rendered configuration (nested, contract 04 §10)."""

    tenancy: Tenancy
    display_name: str
    owner_team_id: str | None
    config: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The project's id: a UUID, or `internal`."""
        return self.tenancy.project_id

    @property
    def requires_publishable_client_key(self) -> bool:
        """Whether client access needs a publishable key (contract 04 §6)."""
        return self.config["project"]["requirePublishableClientKey"] is True


class Directory(Protocol):
    """What access resolution asks of the features; implemented by `projects.directory`."""

    async def find_project(self, project_id: str) -> Project | None:
        """The project with this id, from the cache where it is fresh."""

    async def key_is_valid(self, project: Project, kind: KeyKind, key: str) -> bool:
        """Whether the key belongs to the project, is of this kind, not revoked and not expired."""

    async def user_exists(self, tenancy: Tenancy, user_id: str) -> bool:
        """Whether the user is (still) there."""

    async def manages(self, internal_user_id: str, project: Project) -> bool:
        """Whether this user of `internal` is a member of the team that owns the project."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The wired parts of one server process; made in app.py and nowhere else."""

    settings: Settings
    db: Database
    keyring: Keyring
    hasher: PasswordHasher
    signing_keys: KeySource
    token_issuer: TokenIssuer
    token_verifier: TokenVerifier
    directory: Directory
    limiter: TrafficLimiter
    throttles: Throttles
    outbox: Outbox
    locations: Locations
    outgoing: OutgoingClient


class Caller(msgspec.Struct, frozen=True):
    """Who sends a request: project and access type if credentials came along, and the claims of a user access token."""

    access: Access
    project: Project | None = None
    claims: AccessTokenClaims | None = None


class Call:
    """One authenticated request on its way to a handler."""

    __slots__ = ("_live_user_id", "access", "caller", "claims", "parts", "request")

    def __init__(self, parts: Parts, request: Request, caller: Caller) -> None:
        self.parts = parts
        self.request = request
        self.caller = caller
        self.access = caller.access
        self.claims = caller.claims
        self._live_user_id: str | None = None

    @property
    def db(self) -> Database:
        """The database, for single reads; writes go through `db.write`."""
        return self.parts.db

    @property
    def settings(self) -> Settings:
        """The settings of this server."""
        return self.parts.settings

    @property
    def project(self) -> Project:
        """The project of the request. Only public endpoints can be called without one."""
        project = self.caller.project
        if project is None:
            msg = "this endpoint is public: there may be no project"
            raise RuntimeError(msg)
        return project

    @property
    def tenancy(self) -> Tenancy:
        """The tenancy of the request."""
        return self.project.tenancy

    @property
    def config(self) -> Mapping[str, Any]:
        """The rendered configuration of the project."""
        return self.project.config

    @property
    def user_id(self) -> str | None:
        """The user of the access token; he may have been deleted since it was issued."""
        return self.claims.user_id if self.claims is not None else None

    @property
    def required_user_id(self) -> str:
        """The user of the access token, on endpoints that declare `user_required`."""
        if self.claims is None:
            msg = "this endpoint does not declare that it needs a user"
            raise RuntimeError(msg)
        return self.claims.user_id

    @property
    def session_id(self) -> str | None:
        """The session that the access token was issued from."""
        return self.claims.session_id if self.claims is not None else None

    @property
    def end_user(self) -> EndUser | None:
        """Address and location of the person behind a browser, where known (contract 00 §1.2)."""
        request, parts = self.request, self.parts
        return find_end_user(request.client, request.joined_header, parts.settings.trusted_proxies, parts.locations.locate)

    async def live_user_id(self) -> str | None:
        """The user of the access token if he still exists (contract 00 §1.1: a deleted user is no user)."""
        claims = self.claims
        if self._live_user_id is None and claims is not None and await self.parts.directory.user_exists(self.tenancy, claims.user_id):
            self._live_user_id = claims.user_id
        return self._live_user_id
