"""Statements on projects, tenancies and key sets: the only SQL of this feature."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, not_, select, update

from hexclave_server.core.db import Query, holds, in_list, insert_if_absent
from hexclave_server.projects.tables import project_key_sets, projects, tenancies


class ProjectRow(msgspec.Struct, frozen=True):
    """A project without its configuration; `created_at` in epoch milliseconds, `onboarding_state` as JSON text."""

    id: str
    display_name: str
    description: str
    logo_url: str | None
    logo_full_url: str | None
    logo_dark_mode_url: str | None
    logo_full_dark_mode_url: str | None
    is_production_mode: bool
    is_development_environment: bool
    onboarding_status: str
    onboarding_state: str | None
    owner_team_id: str | None
    created_at: int


class TenancyRow(msgspec.Struct, frozen=True):
    """The main branch of a project, with what requests need to know of the project."""

    tenancy_id: str
    project_id: str
    branch_id: str
    display_name: str
    owner_team_id: str | None


class TenancyId(msgspec.Struct, frozen=True):
    """One branch of a project."""

    id: str


class BuriedTenancy(msgspec.Struct, frozen=True):
    """A tenancy whose project was deleted, and the tombstone it hangs on."""

    id: str
    project_id: str


class KeySetRow(msgspec.Struct, frozen=True):
    """A key set as it can still be shown; times in epoch milliseconds."""

    id: str
    description: str
    publishable_client_key_last_four: str | None
    secret_server_key_last_four: str | None
    super_secret_admin_key_last_four: str | None
    created_at: int
    expires_at: int
    revoked_at: int | None


class SeededKeySetRow(msgspec.Struct, frozen=True):
    """The key set made from settings, with the hashes to compare the settings with."""

    id: str
    publishable_client_key_hash: str | None
    secret_server_key_hash: str | None
    super_secret_admin_key_hash: str | None
    publishable_client_key_last_four: str | None
    secret_server_key_last_four: str | None
    super_secret_admin_key_last_four: str | None
    revoked_at: int | None


TOMBSTONE_PREFIX = "deleted:"
_AFTER_TOMBSTONES = "deleted;"  # the next character
BURIED_BRANCH = "deleted"  # not `main`, so that a request for the tombstone's id finds nothing

_PROJECT = [projects.c[name] for name in ProjectRow.__struct_fields__]
_KEY_SET = [project_key_sets.c[name] for name in KeySetRow.__struct_fields__]
_this_project = projects.c.id == bindparam("project_id")
_keys_of_tenancy = project_key_sets.c.tenancy_id == bindparam("tenancy_id")
_this_key_set = and_(_keys_of_tenancy, project_key_sets.c.id == bindparam("key_set_id"))

CREATE_PROJECT = Query(insert_if_absent(projects, "id").values({column: bindparam(column.name) for column in _PROJECT}))
CREATE_TENANCY = Query(
    insert(tenancies).values(id=bindparam("tenancy_id"), project_id=bindparam("project_id"), branch_id=bindparam("branch_id"))
)
FIND_TENANCY = Query(
    select(
        tenancies.c.id.label("tenancy_id"), tenancies.c.project_id, tenancies.c.branch_id, projects.c.display_name, projects.c.owner_team_id
    )
    .select_from(tenancies.join(projects, projects.c.id == tenancies.c.project_id))
    .where(tenancies.c.project_id == bindparam("project_id"), tenancies.c.branch_id == bindparam("branch_id"))
)
FIND_TENANCY_BY_ID = Query(
    select(tenancies.c.id, tenancies.c.project_id, tenancies.c.branch_id).where(tenancies.c.id == bindparam("tenancy_id"))
)
FIND_PROJECT = Query(select(*_PROJECT).where(_this_project))
FIND_PROJECT_FOR_UPDATE = Query(select(*_PROJECT).where(_this_project).with_for_update())
LIST_PROJECTS_OF_TEAMS = Query(
    select(*_PROJECT).where(in_list(projects.c.owner_team_id, "team_ids")).order_by(projects.c.created_at, projects.c.id)
)
LIST_PROJECTS = Query(
    select(*_PROJECT).where(not_(projects.c.id.startswith(TOMBSTONE_PREFIX))).order_by(projects.c.created_at, projects.c.id)
)
UPDATE_PROJECT = Query(
    update(projects)
    .where(_this_project)
    .values({column: bindparam(f"new_{column.name}") for column in _PROJECT if column.name not in ("id", "created_at")})
)
DELETE_PROJECT = Query(delete(projects).where(_this_project))

LIST_TENANCIES = Query(select(tenancies.c.id).where(tenancies.c.project_id == bindparam("project_id")))
CREATE_TOMBSTONE = Query(
    insert(projects).values(
        id=bindparam("tombstone_id"),
        display_name="",
        description="",
        is_production_mode=False,
        is_development_environment=False,
        onboarding_status="",
        created_at=0,
    )
)
BURY_TENANCY = Query(
    update(tenancies).where(tenancies.c.id == bindparam("tenancy_id")).values(project_id=bindparam("tombstone_id"), branch_id=BURIED_BRANCH)
)
FIND_BURIED = Query(
    select(tenancies.c.id, tenancies.c.project_id)
    .where(tenancies.c.project_id >= TOMBSTONE_PREFIX, tenancies.c.project_id < _AFTER_TOMBSTONES)
    .limit(1)
)

CREATE_KEY_SET = Query(
    insert(project_key_sets).values({column: bindparam(column.name) for column in project_key_sets.c if column.name != "revoked_at"})
)
LIST_KEY_SETS = Query(
    select(*_KEY_SET).where(_keys_of_tenancy).order_by(project_key_sets.c.created_at.desc(), project_key_sets.c.id.desc())
)
FIND_KEY_SET = Query(select(*_KEY_SET).where(_this_key_set))
REVOKE_KEY_SET = Query(update(project_key_sets).where(_this_key_set).values(revoked_at=bindparam("now")))
DESCRIBE_KEY_SET = Query(update(project_key_sets).where(_this_key_set).values(description=bindparam("new_description")))
DELETE_KEY_SET = Query(delete(project_key_sets).where(_this_key_set))
FIND_SEEDED_KEY_SET = Query(
    select(*(project_key_sets.c[name] for name in SeededKeySetRow.__struct_fields__))
    .where(_keys_of_tenancy, holds(project_key_sets.c.is_seeded))
    .with_for_update()
)


def _find_key(kind: str) -> Query:
    """When the longest valid set with this key of the kind expires."""
    return Query(
        select(project_key_sets.c.expires_at)
        .where(
            _keys_of_tenancy,
            project_key_sets.c[f"{kind}_hash"] == bindparam("key_hash"),
            project_key_sets.c.revoked_at.is_(None),
            project_key_sets.c.expires_at > bindparam("now"),
        )
        .order_by(project_key_sets.c.expires_at.desc())
        .limit(1)
    )


FIND_KEY = {kind: _find_key(kind) for kind in ("publishable_client_key", "secret_server_key", "super_secret_admin_key")}
