"""The deprecated `config` object of the admin project: read from the rendered configuration, written as override keys (contract 04 §7).

Each field that is given replaces one override key and everything below it; fields that are not given change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hexclave_server.core import randomness
from hexclave_server.core.ordering import name_order
from hexclave_server.permissions.defaults import DefaultKind, default_permission_ids

_PLAIN_KEYS = {
    "sign_up_enabled": "auth.allowSignUp",
    "credential_enabled": "auth.password.allowSignIn",
    "magic_link_enabled": "auth.otp.allowSignIn",
    "passkey_enabled": "auth.passkey.allowSignIn",
    "oauth_account_merge_strategy": "auth.oauth.accountMergeStrategy",
    "client_user_deletion_enabled": "users.allowClientUserDeletion",
    "client_team_creation_enabled": "teams.allowClientTeamCreation",
    "create_team_on_sign_up": "teams.createPersonalTeamOnSignUp",
    "allow_localhost": "domains.allowLocalhost",
    "allow_user_api_keys": "apiKeys.enabled.user",
    "allow_team_api_keys": "apiKeys.enabled.team",
    "email_theme": "emails.selectedThemeId",
}
_WRITE_ONLY_KEYS = {"require_email_verification": "onboarding.requireEmailVerification"}
_DEFAULT_PERMISSION_KEYS = {
    "team_creator_default_permissions": DefaultKind.TEAM_CREATOR,
    "team_member_default_permissions": DefaultKind.TEAM_MEMBER,
    "user_default_permissions": DefaultKind.SIGN_UP,
}
_PROVIDER_KEYS = {
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "facebook_config_id": "facebookConfigId",
    "microsoft_tenant_id": "microsoftTenantId",
}
_EMAIL_KEYS = {
    "host": "host",
    "port": "port",
    "username": "username",
    "password": "password",
    "sender_name": "senderName",
    "sender_email": "senderEmail",
}

LegacyConfig = dict[str, Any]


def read_legacy_config(config: Mapping[str, Any]) -> LegacyConfig:
    """The object with every field of §7 that is returned; secrets in clear, so for administrators only."""
    providers = legacy_providers(config)
    return {
        **{field: _at(config, key) for field, key in _PLAIN_KEYS.items()},
        "domains": legacy_domains(config),
        "oauth_providers": providers,
        "enabled_oauth_providers": [{"id": provider["id"]} for provider in providers],
        "email_config": _read_email_server(config["emails"]["server"]),
        **{field: _read_ids(default_permission_ids(config, kind)) for field, kind in _DEFAULT_PERMISSION_KEYS.items()},
    }


def legacy_domains(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """`[{domain, handler_path}]` of the trusted domains that have a URL, sorted by domain."""
    domains = [domain for domain in config["domains"]["trustedDomains"].values() if "baseUrl" in domain]
    entries = [{"domain": domain["baseUrl"], "handler_path": domain["handlerPath"]} for domain in domains]
    return sorted(entries, key=lambda entry: name_order(entry["domain"]))


def legacy_providers(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The OAuth providers that users may sign in with, sorted by type, with their client secrets."""
    providers = config["auth"]["oauth"]["providers"].items()
    entries = [_read_provider(key, provider) for key, provider in providers if provider["allowSignIn"]]
    return sorted(entries, key=lambda entry: name_order(entry["id"]))


def write_legacy_config(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The override keys that the given fields of a valid write object set. Unknown fields raise KeyError."""
    override: dict[str, Any] = {}
    for field, value in fields.items():
        if field == "domains":
            entries = {randomness.new_uuid(): {"baseUrl": d["domain"], "handlerPath": d["handler_path"]} for d in value}
            override["domains.trustedDomains"] = entries
        elif field == "oauth_providers":
            override["auth.oauth.providers"] = {provider["id"]: _write_provider(provider) for provider in value}
        elif field == "email_config":
            override["emails.server"] = _write_email_server(value)
        elif field in _DEFAULT_PERMISSION_KEYS:
            override[f"rbac.defaultPermissions.{_DEFAULT_PERMISSION_KEYS[field].value}"] = _write_ids(value)
        else:
            override[_PLAIN_KEYS.get(field) or _WRITE_ONLY_KEYS[field]] = value
    return override


def _at(config: Mapping[str, Any], path: str) -> Any:
    value: Any = config
    for segment in path.split("."):
        value = value[segment]
    return value


def _read_provider(key: str, provider: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "provider_config_id": key,
        "id": provider["type"],
        "type": "shared" if provider["isShared"] else "standard",
        **{field: provider[name] for field, name in _PROVIDER_KEYS.items() if name in provider},
    }
    bundles = [bundle["bundleId"] for bundle in provider.get("appleBundles", {}).values() if "bundleId" in bundle]
    return {**entry, "apple_bundle_ids": bundles} if bundles else entry


def _write_provider(provider: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {
        "type": provider["id"],
        "isShared": provider["type"] == "shared",
        **{name: provider[field] for field, name in _PROVIDER_KEYS.items() if field in provider},
        "allowSignIn": True,
        "allowConnectedAccounts": True,
    }
    if "apple_bundle_ids" in provider:
        written["appleBundles"] = {randomness.new_uuid(): {"bundleId": bundle_id} for bundle_id in provider["apple_bundle_ids"]}
    return written


def _read_email_server(server: Mapping[str, Any]) -> dict[str, Any]:
    if server["isShared"]:
        return {"type": "shared"}
    written = {field: server[name] for field, name in _EMAIL_KEYS.items() if name in server}
    if server["provider"] != "managed":
        return {"type": "standard", **written}
    managed = {"host": "smtp.resend.com", "port": 465, "username": "resend"}
    if "managedSubdomain" in server and "managedSenderLocalPart" in server:
        managed["sender_email"] = f"{server['managedSenderLocalPart']}@{server['managedSubdomain']}"
    return {"type": "standard", **written, **managed}


def _write_email_server(email_config: Mapping[str, Any]) -> dict[str, Any]:
    written = {name: email_config[field] for field, name in _EMAIL_KEYS.items() if field in email_config}
    if email_config["type"] == "shared":
        return {"isShared": True, **written}
    return {"isShared": False, "provider": "smtp", **written}


def _read_ids(permission_ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": permission_id} for permission_id in sorted(permission_ids, key=name_order)]


def _write_ids(entries: Iterable[Mapping[str, str]]) -> dict[str, bool]:
    return {entry["id"]: True for entry in entries}
