"""Rendering overrides into the configuration (contract 04 §8.4)."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.config.defaults import APP_IDS, BUILT_IN_TEMPLATES, BUILT_IN_THEMES, DEFAULT_THEME_ID, ROOT
from hexclave_server.config.render import render
from hexclave_server.config.schema import Either, Interval, Level, Node, Record, Scalar, Section
from hexclave_server.config.validate import ConfigInvalid, check_override
from tests.config.generated import junk, leaf_paths, level_of, written

DEFAULTS = render()


def at(config: Any, path: str) -> Any:
    for segment in path.split("."):
        config = config[segment]
    return config


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("sourceOfTruth", {"type": "hosted"}),
        ("project.requirePublishableClientKey", False),
        ("apps.installed.analytics.enabled", False),
        ("auth.allowSignUp", True),
        ("auth.password", {"allowSignIn": False}),
        ("auth.otp.allowSignIn", False),
        ("auth.passkey.allowSignIn", False),
        ("auth.oauth", {"accountMergeStrategy": "link_method", "providers": {}}),
        ("auth.signUpRules", {}),
        ("auth.signUpRulesDefaultAction", "allow"),
        ("rbac", {"permissions": {}, "defaultPermissions": {"teamCreator": {}, "teamMember": {}, "signUp": {}}}),
        ("teams", {"createPersonalTeamOnSignUp": False, "allowClientTeamCreation": False}),
        ("users", {"allowClientUserDeletion": False}),
        ("onboarding", {"requireEmailVerification": False}),
        ("apiKeys.enabled", {"team": False, "user": False}),
        ("emails.selectedThemeId", DEFAULT_THEME_ID),
        ("emails.server", {"isShared": True, "provider": "smtp"}),
        ("emails.themes", BUILT_IN_THEMES),
        ("emails.templates", BUILT_IN_TEMPLATES),
        ("payments", {"blockNewPurchases": False, "testMode": True, "productLines": {}, "products": {}, "items": {}}),
        ("domains", {"allowLocalhost": False, "trustedDomains": {}}),
        ("dbSync", {"externalDatabases": {}}),
        ("dataVault", {"stores": {}}),
        ("analytics", {"queryFolders": {}}),
        ("customDashboards", {}),
    ],
)
def test_defaults_are_those_of_the_contract(path: str, default: object) -> None:
    assert at(DEFAULTS, path) == default


def test_apps_are_in_the_fixed_order() -> None:
    assert tuple(render({"apps.installed.analytics.enabled": True})["apps"]["installed"]) == APP_IDS


def test_own_keys_are_absent_unless_set() -> None:
    assert "refuseBreached" not in DEFAULTS["auth"]["password"]
    assert render({"auth.password.refuseBreached": True})["auth"]["password"]["refuseBreached"] is True


def test_higher_levels_win_and_a_nested_object_hides_the_section() -> None:
    low = {"teams.allowClientTeamCreation": True}
    assert render(low, {"teams.allowClientTeamCreation": False})["teams"]["allowClientTeamCreation"] is False
    assert render(low, {"teams": {"createPersonalTeamOnSignUp": True}})["teams"] == {
        "createPersonalTeamOnSignUp": True,
        "allowClientTeamCreation": False,
    }
    assert render(low, {"teams.allowClientTeamCreation": None}) == DEFAULTS


def test_a_dot_key_below_a_missing_record_entry_is_ignored() -> None:
    assert render({"domains.trustedDomains.x.baseUrl": "https://a.example"}) == DEFAULTS


def test_dot_keys_expand_shallowest_first() -> None:
    config = render({"domains.trustedDomains.x.baseUrl": "https://b.example", "domains.trustedDomains.x": {"handlerPath": "/h"}})
    assert config["domains"]["trustedDomains"] == {"x": {"baseUrl": "https://b.example", "handlerPath": "/h"}}


def test_a_dot_key_may_go_into_a_default_inside_an_entry() -> None:
    config = render({"auth.signUpRules.r": {}, "auth.signUpRules.r.action.message": "m"})
    assert config["auth"]["signUpRules"]["r"] == {"enabled": False, "priority": 0, "action": {"type": "allow", "message": "m"}}
    product = render({"payments.products.p": {}, "payments.products.p.prices.one": {"USD": "1"}})["payments"]["products"]["p"]
    assert product["prices"] == {"one": {"USD": "1", "serverOnly": False}}
    assert render({"payments.products.p": {}, "payments.products.p.isAddOnTo.q": True})["payments"]["products"]["p"]["isAddOnTo"] is False


def test_null_removes_an_entry_and_brings_a_default_back() -> None:
    provider = {"auth.oauth.providers.google": {"type": "google"}}
    assert render(provider, {"auth.oauth.providers.google": None}) == DEFAULTS
    assert render({**provider, "auth.oauth.providers": {"google": None}}) != DEFAULTS  # deeper keys come later
    theme = f"emails.themes.{DEFAULT_THEME_ID}"
    assert render({theme: {"displayName": "Mine"}}, {theme: None}) == DEFAULTS


def test_a_built_in_theme_keeps_what_is_not_overridden() -> None:
    theme = render({f"emails.themes.{DEFAULT_THEME_ID}.displayName": "Mine"})["emails"]["themes"][DEFAULT_THEME_ID]
    assert theme == {**BUILT_IN_THEMES[DEFAULT_THEME_ID], "displayName": "Mine"}


def test_per_entry_defaults() -> None:
    config = render({"payments.products.gold": {}, "payments.items": {"seat": {}}, "auth.oauth.providers.google": {"type": "google"}})
    assert config["payments"]["products"]["gold"] == {
        "displayName": "gold",
        "isAddOnTo": False,
        "customerType": "user",
        "serverOnly": False,
        "prices": {},
        "includedItems": {},
    }
    assert config["payments"]["items"] == {"seat": {"displayName": "seat", "customerType": "user"}}
    assert config["auth"]["oauth"]["providers"]["google"] == {
        "type": "google",
        "allowSignIn": False,
        "allowConnectedAccounts": False,
        "isShared": True,
    }


def test_providers_without_type_are_removed() -> None:
    assert render({"auth.oauth.providers.x": {"allowSignIn": True}}) == DEFAULTS


def test_rules_are_sorted_by_priority_then_id() -> None:
    rules = {"b": {"priority": 1}, "c": {"priority": 2}, "a": {"priority": 1}, "d": {}}
    assert list(render({"auth.signUpRules": rules})["auth"]["signUpRules"]) == ["c", "a", "b", "d"]


def test_unknown_theme_becomes_the_default_one() -> None:
    assert render({"emails.selectedThemeId": "x"})["emails"]["selectedThemeId"] == DEFAULT_THEME_ID


def test_own_templates_need_an_own_server() -> None:
    own = {"emails.templates.00000000-0000-4000-8000-000000000001": {"displayName": "t", "tsxSource": "s", "themeId": False}}
    assert render(own)["emails"]["templates"] == BUILT_IN_TEMPLATES
    assert len(render(own, {"emails.server.isShared": False})["emails"]["templates"]) == len(BUILT_IN_TEMPLATES) + 1


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ({"type": "neon", "connectionStrings": {"main": "x"}}, {"type": "neon", "connectionStrings": {"main": "x"}}),
        ({"type": "postgres", "connectionString": "x", "connectionStrings": {}}, {"type": "postgres", "connectionString": "x"}),
        ({"type": "postgres"}, {"type": "hosted"}),
        ({"connectionString": "x"}, {"type": "hosted"}),
    ],
)
def test_source_of_truth_is_reduced_to_a_valid_variant(source: object, rendered: object) -> None:
    assert render({"sourceOfTruth": source})["sourceOfTruth"] == rendered


def test_results_share_nothing() -> None:
    render()["emails"]["templates"].clear()
    nested = {"teams": {"allowClientTeamCreation": True}}
    render(nested, {"teams.createPersonalTeamOnSignUp": True})
    assert nested == {"teams": {"allowClientTeamCreation": True}}
    assert render() == DEFAULTS


@pytest.mark.parametrize("path", leaf_paths())
@given(data=st.data())
def test_every_key_round_trips_as_dot_key_and_nested(path: str, data: st.DataObject) -> None:
    dotted, nested, expected = written(path, data)
    level = Level.PROJECT if level_of(path) is Level.PROJECT else Level.ENVIRONMENT
    for override in (dotted, nested):
        assert check_override(override, level) == override
        assert at(render(override), path) == expected


@given(junk())
def test_rendering_copes_with_anything(override: dict[str, Any]) -> None:
    config = render(override)
    assert_shape(ROOT, config, "")
    assert msgspec.json.decode(msgspec.json.encode(config)) == config


@given(junk())
def test_validation_copes_with_anything(override: dict[str, Any]) -> None:
    for level in (Level.PROJECT, Level.BRANCH, Level.ENVIRONMENT):
        with contextlib.suppress(ConfigInvalid):
            check_override(override, level)


def assert_shape(node: Node, value: Any, path: str) -> None:
    """Whatever was stored, services may rely on sections being there and values having their types."""
    if isinstance(node, Section):
        assert set(value) <= set(node.members), path
        for name, member in node.members.items():
            always = (isinstance(member, Section | Record) and not member.optional) or (
                isinstance(member, Scalar) and member.default is True
            )
            assert name in value or not always or path.startswith(".sourceOfTruth"), f"{path}.{name}"
            if name in value:
                assert_shape(member, value[name], f"{path}.{name}")
    elif isinstance(node, Record):
        for name, below in value.items():
            assert_shape(node.entry, below, f"{path}.{name}")
    elif isinstance(node, Scalar | Interval):
        assert node.accepts(value), path
    else:
        assert isinstance(node, Either)
        assert isinstance(value, dict) or any(o.accepts(value) for o in node.options if not isinstance(o, Record)), path
