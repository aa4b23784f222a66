"""Decisions as pure functions: truth tables (contract 05 §1.2, §1.5, 06 §1, §2.6)."""

from __future__ import annotations

import itertools

import pytest
from msgspec import UNSET, UnsetType

from hexclave_server.contact_channels.address import NormalEmail, normalise_address
from hexclave_server.contact_channels.service import Channel
from hexclave_server.core.context import Access
from hexclave_server.core.errors import PlainError
from hexclave_server.permissions.defaults import SYSTEM_TEAM_PERMISSIONS, DefaultKind, default_permission_ids
from hexclave_server.teams.service import personal_team_name
from hexclave_server.users.primary_email import PrimaryEmail, PrimaryEmailChange, decide_primary_email
from hexclave_server.users.profile_image import accept_profile_image
from hexclave_server.users.restriction import Restriction, restriction_of

ANONYMOUS, NOT_VERIFIED, BY_ADMIN = Restriction.ANONYMOUS, Restriction.EMAIL_NOT_VERIFIED, Restriction.BY_ADMINISTRATOR


def test_the_first_reason_that_applies_restricts() -> None:
    #  (anonymous, verified, by admin, verification required): reason
    table = {
        (False, False, False, False): None,
        (False, False, False, True): NOT_VERIFIED,
        (False, False, True, False): BY_ADMIN,
        (False, False, True, True): NOT_VERIFIED,
        (False, True, False, False): None,
        (False, True, False, True): None,
        (False, True, True, False): BY_ADMIN,
        (False, True, True, True): BY_ADMIN,
    } | {(True, *rest): ANONYMOUS for rest in itertools.product((False, True), repeat=3)}
    for (anonymous, verified, by_admin, required), reason in table.items():
        decided = restriction_of(
            is_anonymous=anonymous, primary_email_verified=verified, restricted_by_admin=by_admin, verification_required=required
        )
        assert decided == reason


OLD, NEW = NormalEmail("old@x"), NormalEmail("new@x")
SIGNS_IN = Channel("1", OLD, is_verified=True, used_for_auth=True)
ORDINARY = Channel("1", OLD, is_verified=False, used_for_auth=False)


@pytest.mark.parametrize(
    ("current", "address", "verified", "auth", "expected"),
    [
        (None, UNSET, UNSET, UNSET, None),
        (None, UNSET, False, False, None),
        (None, None, True, True, None),
        (None, NEW, UNSET, UNSET, PrimaryEmail(NEW, None, used_for_auth=False)),
        (None, NEW, True, True, PrimaryEmail(NEW, verified=True, used_for_auth=True)),
        (SIGNS_IN, None, True, True, None),
        (SIGNS_IN, UNSET, UNSET, UNSET, PrimaryEmail(OLD, None, used_for_auth=True)),
        (SIGNS_IN, UNSET, False, UNSET, PrimaryEmail(OLD, verified=False, used_for_auth=True)),
        (SIGNS_IN, UNSET, UNSET, False, PrimaryEmail(OLD, None, used_for_auth=False)),
        (SIGNS_IN, OLD, UNSET, UNSET, PrimaryEmail(OLD, None, used_for_auth=True)),
        (SIGNS_IN, NEW, UNSET, UNSET, PrimaryEmail(NEW, None, used_for_auth=True)),
        (SIGNS_IN, NEW, True, False, PrimaryEmail(NEW, verified=True, used_for_auth=False)),
        (ORDINARY, NEW, UNSET, UNSET, PrimaryEmail(NEW, None, used_for_auth=False)),
        (ORDINARY, NEW, UNSET, True, PrimaryEmail(NEW, None, used_for_auth=True)),
        (ORDINARY, UNSET, True, True, PrimaryEmail(OLD, verified=True, used_for_auth=True)),
    ],
)
def test_what_becomes_of_the_primary_email(
    current: Channel | None,
    address: NormalEmail | None | UnsetType,
    verified: bool | UnsetType,
    auth: bool | UnsetType,
    expected: PrimaryEmail | None,
) -> None:
    assert decide_primary_email(current, PrimaryEmailChange(address, verified, auth)) == expected


@pytest.mark.parametrize(("verified", "auth"), [(True, UNSET), (UNSET, True), (True, False), (False, True), (True, True)])
def test_flags_without_an_address_are_refused(verified: bool | UnsetType, auth: bool | UnsetType) -> None:
    with pytest.raises(PlainError):
        decide_primary_email(None, PrimaryEmailChange(UNSET, verified, auth))


def test_default_permissions_skip_what_is_not_defined_for_the_scope() -> None:
    def granted(*ids: str) -> dict[str, bool]:
        return dict.fromkeys(ids, True)

    rbac = {
        "permissions": {"b": {"scope": "team"}, "a": {"scope": "team"}, "p": {"scope": "project"}, "q": {"scope": "project"}, "odd": {}},
        "defaultPermissions": {
            "signUp": granted("q", "p", "a", "gone", "odd", "$read_members"),
            "teamCreator": granted("b", "a", "p", "gone", *SYSTEM_TEAM_PERMISSIONS, "$gone"),
            "teamMember": {"a": False, "b": None},
        },
    }
    config = {"rbac": rbac}
    assert default_permission_ids(config, DefaultKind.SIGN_UP) == ["p", "q"]
    assert default_permission_ids(config, DefaultKind.TEAM_CREATOR) == [*sorted(SYSTEM_TEAM_PERMISSIONS), "a", "b"]
    assert default_permission_ids(config, DefaultKind.TEAM_MEMBER) == []


def test_a_personal_team_is_named_after_its_owner() -> None:
    assert personal_team_name("Ada", "a@b") == "Ada's Team"
    assert personal_team_name(None, "a@b") == personal_team_name("", "a@b") == "a@b's Team"
    assert personal_team_name(None, None) == "Personal Team"


def test_addresses_have_one_normal_form() -> None:
    assert normalise_address(" Ada.L+x@Example.COM\t") == "ada.l+x@example.com"


@pytest.mark.parametrize("access", [Access.SERVER, Access.ADMIN])
@pytest.mark.parametrize("url", ["http://x", "HTTPS://Example.com/A?b#c", "https:x", "h\nttp://x"])
def test_web_images_are_kept_verbatim(access: Access, url: str) -> None:
    assert accept_profile_image(url, access) == url


def test_other_images_are_refused() -> None:
    for access in (Access.CLIENT, Access.SERVER):
        assert accept_profile_image(None, access) is None
        for url in (
            "data:image/png;base64,aGk=",
            "ftp://x",
            "file:///x",
            "javascript:1",
            "j\navascript:1",
            "blob:https://x/y",
            "mailto:a@b",
        ):
            with pytest.raises(PlainError):
                accept_profile_image(url, access)
    with pytest.raises(PlainError):
        accept_profile_image("https://x", Access.CLIENT)
