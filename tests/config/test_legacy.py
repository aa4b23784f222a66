"""The deprecated config object of the admin project (contract 04 §4, §7)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.config.legacy import read_legacy_config, write_legacy_config
from hexclave_server.config.merge import merge
from hexclave_server.config.new_project import internal_project_overrides, new_project_overrides
from hexclave_server.config.render import render
from hexclave_server.config.schema import Level
from hexclave_server.config.validate import check_override


def written(fields: dict[str, Any]) -> dict[str, Any]:
    override = write_legacy_config(fields)
    assert check_override(override, Level.ENVIRONMENT) == override
    return read_legacy_config(render(override))


def test_defaults_of_an_empty_configuration() -> None:
    assert read_legacy_config(render()) == {
        "sign_up_enabled": True,
        "credential_enabled": False,
        "magic_link_enabled": False,
        "passkey_enabled": False,
        "oauth_account_merge_strategy": "link_method",
        "client_user_deletion_enabled": False,
        "client_team_creation_enabled": False,
        "create_team_on_sign_up": False,
        "allow_localhost": False,
        "allow_user_api_keys": False,
        "allow_team_api_keys": False,
        "email_theme": "1df07ae6-abf3-4a40-83a5-a1a2cbe336ac",
        "domains": [],
        "oauth_providers": [],
        "enabled_oauth_providers": [],
        "email_config": {"type": "shared"},
        "team_creator_default_permissions": [],
        "team_member_default_permissions": [],
        "user_default_permissions": [],
    }


def test_a_new_project() -> None:
    override = new_project_overrides()
    assert check_override(override, Level.ENVIRONMENT) == override
    config = render(override)
    legacy = read_legacy_config(config)
    assert legacy["allow_localhost"] is legacy["credential_enabled"] is True
    assert legacy["team_creator_default_permissions"] == [{"id": "team_admin"}]
    assert legacy["team_member_default_permissions"] == [{"id": "team_member"}]
    assert len(config["rbac"]["permissions"]["team_admin"]["containedPermissionIds"]) == 6
    assert {app for app, state in config["apps"]["installed"].items() if state["enabled"]} == {"authentication", "emails"}


def test_the_internal_project() -> None:
    override = internal_project_overrides({"auth.allowSignUp": False})
    assert check_override(override, Level.ENVIRONMENT) == override
    config = render(override)
    assert config["auth"]["allowSignUp"] is False
    assert all(state["enabled"] for state in config["apps"]["installed"].values())
    assert set(config["rbac"]["permissions"]["team_admin"]["containedPermissionIds"]) == {
        "$read_members",
        "$remove_members",
        "$update_team",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sign_up_enabled", False),
        ("credential_enabled", True),
        ("magic_link_enabled", True),
        ("passkey_enabled", True),
        ("oauth_account_merge_strategy", "raise_error"),
        ("client_user_deletion_enabled", True),
        ("client_team_creation_enabled", True),
        ("create_team_on_sign_up", True),
        ("allow_localhost", True),
        ("allow_user_api_keys", True),
        ("allow_team_api_keys", True),
        ("email_theme", "a0172b5d-cff0-463b-83bb-85124697373a"),
        ("team_creator_default_permissions", [{"id": "$delete_team"}, {"id": "$update_team"}]),
        ("domains", [{"domain": "https://a.example", "handler_path": "/h"}, {"domain": "https://b.example", "handler_path": "/"}]),
    ],
)
def test_a_written_field_is_read_back_and_nothing_else_changes(field: str, value: Any) -> None:
    assert written({field: value}) == {**read_legacy_config(render()), field: value}


def test_email_verification_is_write_only() -> None:
    override = write_legacy_config({"require_email_verification": True})
    assert override == {"onboarding.requireEmailVerification": True}
    assert read_legacy_config(render(override)) == read_legacy_config(render())


def test_default_permissions_without_definition_are_left_out() -> None:
    override = {
        "rbac.permissions": {"writer": {"scope": "project"}, "Zed": {"scope": "project"}, "coach": {"scope": "team"}, "bare": {}},
        **write_legacy_config(
            {
                "user_default_permissions": [{"id": "writer"}, {"id": "coach"}, {"id": "gone"}, {"id": "Zed"}, {"id": "bare"}],
                "team_member_default_permissions": [{"id": "writer"}, {"id": "coach"}, {"id": "$read_members"}],
            }
        ),
    }
    legacy = read_legacy_config(render(override))
    assert legacy["user_default_permissions"] == [{"id": "writer"}, {"id": "Zed"}]
    assert legacy["team_member_default_permissions"] == [{"id": "$read_members"}, {"id": "coach"}]


def test_oauth_providers() -> None:
    standard = {
        "id": "microsoft",
        "type": "standard",
        "client_id": "i",
        "client_secret": "s",
        "microsoft_tenant_id": "t",
        "apple_bundle_ids": ["com.example"],
    }
    legacy = written({"oauth_providers": [standard, {"id": "github", "type": "shared"}]})
    assert legacy["oauth_providers"] == [
        {"provider_config_id": "github", "id": "github", "type": "shared"},
        {"provider_config_id": "microsoft", **standard},
    ]
    assert legacy["enabled_oauth_providers"] == [{"id": "github"}, {"id": "microsoft"}]


def test_a_provider_list_replaces_what_was_pushed_and_keys_below_it() -> None:
    low = {"auth.oauth.providers.google": {"type": "google", "allowSignIn": True}, "auth.oauth.providers.google.clientId": "x"}
    assert read_legacy_config(render(merge(low, write_legacy_config({"oauth_providers": []}))))["oauth_providers"] == []


def test_providers_without_sign_in_are_not_listed() -> None:
    assert read_legacy_config(render({"auth.oauth.providers.x": {"type": "x"}}))["oauth_providers"] == []


SERVER = {"host": "h", "port": 25, "username": "u", "password": "p", "sender_name": "n", "sender_email": "a@b.example"}


def test_email_server() -> None:
    assert written({"email_config": {"type": "standard", **SERVER}})["email_config"] == {"type": "standard", **SERVER}
    assert written({"email_config": {"type": "shared", **SERVER}})["email_config"] == {"type": "shared"}


def test_a_managed_email_server_is_shown_as_standard() -> None:
    managed = {"isShared": False, "provider": "managed", "password": "p", "managedSubdomain": "m.example", "managedSenderLocalPart": "hi"}
    assert read_legacy_config(render({"emails.server": managed}))["email_config"] == {
        "type": "standard",
        "host": "smtp.resend.com",
        "port": 465,
        "username": "resend",
        "password": "p",
        "sender_email": "hi@m.example",
    }


def test_reading_tolerates_missing_fields() -> None:
    config = render({"emails.server": {"isShared": False}, "domains.trustedDomains": {"x": {}, "y": {"baseUrl": "u"}}})
    assert read_legacy_config(config)["email_config"] == {"type": "standard"}
    assert read_legacy_config(config)["domains"] == [{"domain": "u", "handler_path": "/handler"}]
