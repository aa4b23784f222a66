"""Which overrides may be written at which level, and what the refusal says (contract 04 §8.1, §8.5)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.config.schema import Level
from hexclave_server.config.validate import ConfigInvalid, check_override, parse_override

PROJECT, BRANCH, ENVIRONMENT = Level.PROJECT, Level.BRANCH, Level.ENVIRONMENT
UUID = "11111111-2222-4333-8444-555555555555"

ACCEPTED: list[tuple[Level, dict[str, Any]]] = [
    (PROJECT, {"project.requirePublishableClientKey": True}),
    (PROJECT, {"project": {"requirePublishableClientKey": None}, "sourceOfTruth": {"type": "hosted"}}),
    (PROJECT, {"sourceOfTruth": {"type": "neon", "connectionStrings": {"main": "postgres://"}}}),
    (BRANCH, {"auth.password.allowSignIn": True, "auth": {"otp": {"allowSignIn": False}}}),
    (BRANCH, {"auth.oauth.providers.google": {"type": "google", "allowSignIn": True}}),
    (BRANCH, {"auth.oauth.providers.google.type": "oidc"}),
    (BRANCH, {"auth.password.refuseBreached": True}),
    (BRANCH, {"sourceOfTruth": {"type": "hosted"}}),  # silently dropped
    (ENVIRONMENT, {"auth.oauth.providers": {"Not A Permission": {"type": "google", "clientSecret": ""}}}),
    (ENVIRONMENT, {"domains.trustedDomains.x": {"baseUrl": "not a url", "handlerPath": "x" * 400}}),
    (ENVIRONMENT, {"emails.server.port": -1.5, "emails.server.senderEmail": "nobody"}),
    (ENVIRONMENT, {"rbac.defaultPermissions.signUp": {"p": False}}),
    (ENVIRONMENT, {"payments.products.p": {"prices": "include-by-default", "isAddOnTo": False, "freeTrial": [1, "day"]}}),
    (ENVIRONMENT, {"payments.products.p": {"prices": {"x": {"USD": "-"}}, "isAddOnTo": {"q": True}}}),
    (ENVIRONMENT, {"payments.products.p.includedItems": {"i": {"repeat": "never"}, "j": {"repeat": [2, "week"]}}}),
    (ENVIRONMENT, {f"emails.templates.{UUID}.themeId": False, f"emails.templates.{UUID}": None}),
    (ENVIRONMENT, {"teams": None, "customDashboards": {UUID: {"tsxSource": ""}}}),
    (ENVIRONMENT, {"auth.signUpRules.r.priority": 1.5}),
]


@pytest.mark.parametrize(("level", "override"), ACCEPTED)
def test_accepted(level: Level, override: dict[str, Any]) -> None:
    stored = check_override(override, level)
    assert stored == {key: value for key, value in override.items() if level is PROJECT or key != "sourceOfTruth"}


REFUSED: list[tuple[Level, dict[str, Any], str]] = [
    (BRANCH, {"project.requirePublishableClientKey": True}, "project.requirePublishableClientKey"),
    (ENVIRONMENT, {"project": {}}, "project"),
    (PROJECT, {"auth.allowSignUp": True}, "auth.allowSignUp"),
    (BRANCH, {"domains.allowLocalhost": True}, "domains.allowLocalhost"),
    (BRANCH, {"auth.oauth.providers.google": {"clientSecret": "x"}}, "auth.oauth.providers.google.clientSecret"),
    (BRANCH, {"auth": {"oauth": {"providers": {"google": {"isShared": True}}}}}, "auth.oauth.providers.google.isShared"),
    (BRANCH, {"payments.testMode": True}, "payments.testMode"),
    (BRANCH, {"emails": {"server": {}}}, "emails.server"),
    (BRANCH, {"nonsense": 1}, "nonsense"),
    (BRANCH, {"auth.nonsense": 1}, "auth.nonsense"),
    (BRANCH, {"auth": {"nonsense": 1}}, "auth.nonsense"),
    (BRANCH, {"auth.allowSignUp.x": 1}, "auth.allowSignUp.x"),
    (BRANCH, {"auth.allowSignUp": "true"}, "auth.allowSignUp"),
    (BRANCH, {"auth.allowSignUp": 1}, "auth.allowSignUp"),
    (BRANCH, {"auth": []}, "auth"),
    (BRANCH, {"auth": {"password": True}}, "auth.password"),
    (BRANCH, {"auth": {"password.allowSignIn": True}}, "auth.password.allowSignIn"),
    (BRANCH, {"rbac.permissions": {"a.b": {}}}, "rbac.permissions.a.b"),
    (BRANCH, {"auth.oauth.accountMergeStrategy": "merge"}, "auth.oauth.accountMergeStrategy"),
    (BRANCH, {"auth.signUpRules.r.priority": True}, "auth.signUpRules.r.priority"),
    (BRANCH, {"auth.oauth.providers.Google": {}}, "auth.oauth.providers.Google"),
    (BRANCH, {"rbac.permissions.$x": {}}, "rbac.permissions.$x"),
    (BRANCH, {"rbac.permissions.x": {"containedPermissionIds": ["$read_members"]}}, "rbac.permissions.x.containedPermissionIds"),
    (BRANCH, {f"dataVault.stores.{'x' * 64}": {}}, "dataVault.stores."),
    (BRANCH, {"apps.installed.nope.enabled": True}, "apps.installed.nope.enabled"),
    (BRANCH, {"apps": {"installed": {"nope": {}}}}, "apps.installed.nope"),
    (BRANCH, {"emails.themes": {"nope": {}}}, "emails.themes.nope"),
    (BRANCH, {"emails.themes.nope": {}}, "emails.themes.nope"),
    (BRANCH, {"payments.products.p.freeTrial": [1, "eon"]}, "payments.products.p.freeTrial"),
    (BRANCH, {"payments.products.p.freeTrial": [None, "day"]}, "payments.products.p.freeTrial"),
    (BRANCH, {"payments.products.p.freeTrial": [1, "day", None]}, "payments.products.p.freeTrial"),
    (BRANCH, {"payments.products.p.prices": "free"}, "payments.products.p.prices"),
    (BRANCH, {"payments.products.p.prices": 1}, "payments.products.p.prices"),
    (BRANCH, {"": 1}, "key"),
    (BRANCH, {"auth..x": 1}, "auth..x"),
    (BRANCH, {"-auth": 1}, "-auth"),
    (BRANCH, {"auth.é": 1}, "auth.é"),
    (BRANCH, {"auth\n": 1}, "auth"),
    (ENVIRONMENT, {"emails.server.password": {"$sealed": "x"}}, "emails.server.password"),
]


@pytest.mark.parametrize(("level", "override", "named"), REFUSED)
def test_refused_and_the_key_is_named(level: Level, override: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        check_override(override, level)
    assert named in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '{"auth.allowSignUp": NaN}', "[" * 2000, '{"a": "\\ud800"}', '{"auth.x": 1e999}'])
def test_text_that_is_not_json_is_called_so(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="JSON"):
        parse_override(text, ENVIRONMENT)


@pytest.mark.parametrize("text", ["null", "[]", '"x"', "1"])
def test_an_override_is_an_object(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="object"):
        parse_override(text, ENVIRONMENT)
