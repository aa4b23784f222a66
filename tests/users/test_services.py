"""What other features do with users, in transactions of theirs, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hexclave_server.config.render import render
from hexclave_server.contact_channels.service import normalise_address
from hexclave_server.core.context import Project, Tenancy
from hexclave_server.core.db import Connection, Database, ForeignKeyViolation
from hexclave_server.core.known_errors import UserEmailAlreadyExists
from hexclave_server.teams import service as teams
from hexclave_server.users import service as users
from hexclave_server.users.queries import update_user
from hexclave_server.users.service import NewUser, Upgrade
from tests.db.storage import Storage, new_storage
from tests.server import DatabaseKind

TENANCY = Tenancy("11111111-1111-4111-8111-111111111111", "p", "main")
CONFIG = render(
    {
        "teams.createPersonalTeamOnSignUp": True,
        "rbac.permissions": {
            "p": {"scope": "project"},
            "creator": {"scope": "team", "containedPermissionIds": {"$update_team": True}},
            "member": {"scope": "team"},
        },
        "rbac.defaultPermissions": {
            "signUp": {"p": True, "gone": True},
            "teamCreator": {"creator": True, "$delete_team": True},
            "teamMember": {"member": True},
        },
    }
)
PROJECT = Project(TENANCY, "Project", None, CONFIG)
EMAIL = normalise_address("Ada@Example.com")


@pytest.fixture
async def storage(database: DatabaseKind, tmp_path: Path) -> AsyncIterator[Storage]:
    """A database with one project."""
    with new_storage(database, tmp_path) as made:
        made.run(
            "INSERT INTO projects (id, display_name, description, is_production_mode, is_development_environment, onboarding_status, created_at)"
            " VALUES ('p', 'p', '', false, false, 'completed', 0)"
        )
        made.run(f"INSERT INTO tenancies VALUES ('{TENANCY.id}', 'p', 'main')")
        yield made


@pytest.fixture
async def db(storage: Storage) -> AsyncIterator[Database]:
    """The same, opened."""
    async with storage.open() as opened:
        yield opened


async def create(db: Database, new: NewUser, now: int = 1000) -> str:
    return await db.write(lambda conn: users.create_user(conn, PROJECT, new, now=now))


async def upgrade(db: Database, user_id: str, wanted: Upgrade, now: int = 2000) -> bool:
    return await db.write(lambda conn: users.upgrade_anonymous(conn, PROJECT, user_id, wanted, now=now))


def granted(storage: Storage, table: str) -> list[str]:
    return sorted(row[0] for row in storage.run(f"SELECT permission_id FROM {table}"))


async def test_a_new_user_has_his_defaults_and_a_team_he_created(db: Database, storage: Storage) -> None:
    user_id = await create(db, NewUser(display_name="Ada"))
    assert granted(storage, "project_permission_grants") == ["p"]
    assert granted(storage, "team_permission_grants") == ["$delete_team", "creator"]
    (team_id,) = await teams.list_team_ids(db, TENANCY, user_id)
    row = await users.get_user(db, TENANCY, user_id)
    assert (row.team_id, row.team_display_name) == (team_id, "Ada's Team")
    assert await teams.is_member(db, TENANCY, team_id, user_id)
    other = Tenancy("22222222-2222-4222-8222-222222222222", "q", "main")
    assert not await teams.is_member(db, other, team_id, user_id)


async def test_who_joins_gets_the_defaults_of_members_once(db: Database, storage: Storage) -> None:
    first, second = await create(db, NewUser()), await create(db, NewUser())
    (team_id,) = await teams.list_team_ids(db, TENANCY, first)
    before = granted(storage, "team_permission_grants")

    async def join(conn: Connection) -> bool:
        return await teams.add_membership(conn, PROJECT, team_id, second, now=3)

    assert await db.write(join)
    assert not await db.write(join)
    assert granted(storage, "team_permission_grants") == sorted([*before, "member"])
    with pytest.raises(ForeignKeyViolation):
        await db.write(lambda conn: teams.add_membership(conn, PROJECT, TENANCY.id, second, now=3))


async def test_a_taken_address_leaves_nothing_behind(db: Database, storage: Storage) -> None:
    new = NewUser(primary_email=EMAIL, primary_email_auth_enabled=True)
    await create(db, new)
    again = NewUser(primary_email=EMAIL, primary_email_auth_enabled=True)
    with pytest.raises(UserEmailAlreadyExists):
        await create(db, again)
    assert not await users.user_exists(db, TENANCY, again.id)
    assert storage.run("SELECT count(*) FROM teams")[0][0] == 1


async def test_an_anonymous_user_is_upgraded_once(db: Database) -> None:
    user_id = await create(db, NewUser(is_anonymous=True, client_metadata='{"cart":  3}', country_code=None))
    wanted = Upgrade(email=EMAIL, password_hash="hash", country_code="AT", risk_bot=5, restriction_details="sign-up rule x")
    assert await upgrade(db, user_id, wanted)
    row = await users.get_user(db, TENANCY, user_id)
    assert (row.is_anonymous, row.signed_up_at, row.has_password, row.client_metadata) == (False, 2000, True, '{"cart":  3}')
    assert (row.primary_email, row.primary_email_verified, row.primary_email_auth_enabled) == (EMAIL, False, True)
    assert (row.country_code, row.risk_bot, row.team_display_name) == ("AT", 5, f"{EMAIL}'s Team")
    assert (row.restricted_by_admin, row.restricted_by_admin_reason, row.restricted_by_admin_private_details) == (
        True,
        None,
        "sign-up rule x",
    )
    assert not await upgrade(db, user_id, wanted)
    assert not await upgrade(db, TENANCY.id, wanted)


async def test_an_upgrade_appends_to_what_is_noted(db: Database) -> None:
    new = NewUser(is_anonymous=True, restricted_by_admin=True, restricted_by_admin_private_details="noted before", country_code="FR")
    user_id = await create(db, new)
    assert await upgrade(db, user_id, Upgrade(email=EMAIL, country_code="AT", restriction_details="sign-up rule x"))
    row = await users.get_user(db, TENANCY, user_id)
    assert (row.restricted_by_admin_private_details, row.country_code) == ("noted before\n\nsign-up rule x", "FR")


async def test_an_upgrade_to_a_taken_address_changes_nothing(db: Database) -> None:
    await create(db, NewUser(primary_email=EMAIL, primary_email_auth_enabled=True))
    user_id = await create(db, NewUser(is_anonymous=True))
    before = await users.get_user(db, TENANCY, user_id)
    with pytest.raises(UserEmailAlreadyExists):
        await upgrade(db, user_id, Upgrade(email=EMAIL, password_hash="hash"))
    assert await users.get_user(db, TENANCY, user_id) == before


async def test_a_password_is_set_once_and_replaced_by_who_knows_it(db: Database) -> None:
    user_id = await create(db, NewUser(primary_email=EMAIL, primary_email_auth_enabled=True))
    assert await users.find_credential(db, TENANCY, EMAIL) == users.Credential(user_id, None, requires_totp_mfa=False)
    assert await users.set_first_password(db, TENANCY, user_id, "one")
    assert not await users.set_first_password(db, TENANCY, user_id, "two")
    assert not await users.replace_password(db, TENANCY, user_id, "two", "three")
    assert await users.replace_password(db, TENANCY, user_id, "one", "three")
    found = await users.find_credential_of_user(db, TENANCY, user_id)
    assert found is not None
    assert found.password_hash == "three"
    assert await users.find_credential(db, TENANCY, normalise_address("nobody@example.com")) is None


async def test_a_token_describes_the_user_as_he_is(db: Database) -> None:
    user_id = await create(db, NewUser(display_name="Ada", primary_email=EMAIL), now=1234)
    subject = await users.find_token_subject(db, TENANCY, user_id)
    assert subject is not None
    assert (subject.display_name, subject.primary_email, subject.primary_email_verified, subject.signed_up_at) == (
        "Ada",
        EMAIL,
        False,
        1234,
    )
    assert subject.selected_team_id == (await users.get_user(db, TENANCY, user_id)).team_id
    assert subject.restriction(CONFIG) is None
    assert subject.restriction(render({"onboarding.requireEmailVerification": True})) is users.Restriction.EMAIL_NOT_VERIFIED
    assert await users.mark_active(db, TENANCY, user_id, 5678)
    assert (await users.get_user(db, TENANCY, user_id)).last_active_at == 5678
    assert not await users.mark_active(db, TENANCY, TENANCY.id, 5678)
    assert await users.find_token_subject(db, TENANCY, TENANCY.id) is None


async def test_a_right_password_is_noted_and_the_user_read_in_one_write(db: Database) -> None:
    user_id = await create(db, NewUser(display_name="Ada", primary_email=EMAIL, primary_email_auth_enabled=True, password_hash="one"))
    assert await users.use_password(db, TENANCY, user_id, "another", "two", 5678) is None
    for former, new, now in (("one", "one", 5678), ("one", "two", 6789)):
        subject = await users.use_password(db, TENANCY, user_id, former, new, now)
        assert subject is not None
        assert subject.primary_email == EMAIL
        assert subject == await users.find_token_subject(db, TENANCY, user_id)
        assert (await users.get_user(db, TENANCY, user_id)).last_active_at == now
        assert await users.find_credential_of_user(db, TENANCY, user_id) == users.Credential(user_id, new, requires_totp_mfa=False)
    await db.execute(update_user(frozenset({"requires_totp_mfa"})), tenancy_id=TENANCY.id, user_id=user_id, requires_totp_mfa=True)
    subject = await users.use_password(db, TENANCY, user_id, "two", "two", 7890)
    assert subject is not None
    assert subject.requires_totp_mfa
    assert (await users.get_user(db, TENANCY, user_id)).last_active_at == 6789, "he is not signed in yet"
